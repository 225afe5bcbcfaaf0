// The instances of one group in this gateway, and how they share the partitions of what they subscribe to. Nothing is
// coordinated with other gateways or with clients that speak Kafka's own protocol.
import type { Log, TopicPartition } from "../log.ts";
import type { Consumer, Subscription } from "./consumer.ts";

export interface Group {
  readonly name: string;
  readonly consumers: Map<string, Consumer>;
  /** The partitions that fall to a consumer: each goes to one of those that subscribe to its topic. */
  share(consumer: Consumer): Promise<TopicPartition[]>;
  /**
   * Where the group began to read a partition of a topic subscribed to that nothing is committed for: an instance that
   * takes it over begins there again, rather than at an end that has moved on. Kept as long as the group is.
   */
  start(place: TopicPartition, choose: () => Promise<number>): Promise<number>;
  /** The group begins there from now on, since its start was of records that are no more. */
  restart(place: TopicPartition, offset: number): void;
}

/** A partition's name among others. */
export function placeName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export function createGroup(log: Log, name: string): Group {
  const consumers = new Map<string, Consumer>();
  const starts = new Map<string, Promise<number>>();

  const topicsOf = async (subscription: Subscription) => {
    if ("pattern" in subscription) return (await log.topics()).filter((topic) => subscription.pattern.test(topic.name));
    const found = await Promise.all(subscription.topics.map((topic) => log.topic(topic)));
    return found.filter((topic) => topic !== undefined);
  };
  return {
    name,
    consumers,
    async share(consumer) {
      const { subscription } = consumer;
      if (subscription === undefined) return [];
      const topics = await topicsOf(subscription);
      return topics.flatMap((topic) => {
        const members = [...consumers.values()].filter((each) => reads(each.subscription, topic.name));
        members.sort((a, b) => (a.options.name < b.options.name ? -1 : 1));
        const at = members.indexOf(consumer);
        return Array.from({ length: topic.partitions }, (_, partition) => ({ topic: topic.name, partition })).filter(
          ({ partition }) => partition % members.length === at,
        );
      });
    },
    start(place, choose) {
      const kept = starts.get(placeName(place));
      if (kept !== undefined) return kept;
      const start = choose();
      starts.set(placeName(place), start);
      start.catch(() => starts.delete(placeName(place)));
      return start;
    },
    restart(place, offset) {
      starts.set(placeName(place), Promise.resolve(offset));
    },
  };
}

function reads(subscription: Subscription | undefined, topic: string): boolean {
  if (subscription === undefined) return false;
  return "pattern" in subscription ? subscription.pattern.test(topic) : subscription.topics.includes(topic);
}
