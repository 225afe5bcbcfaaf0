// Topics and partitions as the proxies describe them. A log that names no brokers is one, number 1, and leads everything.
import * as z from "zod";
import type { LogTopic, Placement } from "./log.ts";
import type { GatewayLimits, GatewayOptions } from "./options.ts";
import { topicName } from "./place-schema.ts";
import { RestError } from "./rest-error.ts";

/** The one broker. */
export const BROKER_ID = 1;
const ALONE: Placement = { leader: BROKER_ID, replicas: [BROKER_ID], inSync: [BROKER_ID] };

/** A topic to be made. */
export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
}

/** Parses the body that makes a topic. Throws RestError `invalid`. */
export function parseNewTopic(body: unknown, limits: GatewayLimits): NewTopic {
  const parsed = z
    .object({
      topic_name: topicName,
      partitions_count: z.int().min(1).max(limits.partitionsMax).default(limits.partitionsDefault),
      replication_factor: z.int().min(1).optional(),
    })
    .safeParse(body);
  if (parsed.success) return { name: parsed.data.topic_name, partitions: parsed.data.partitions_count };
  const [issue] = parsed.error.issues;
  throw new RestError("invalid", `Invalid request format: ${issue!.path.join(".")}: ${issue!.message}`);
}

/** One partition. */
export function partitionEntry({ placement }: LogTopic, partition: number): object {
  const { leader, replicas, inSync } = placement?.[partition] ?? ALONE;
  const entries = replicas.map((broker) => {
    return { broker, in_sync: inSync.includes(broker), leader: broker === leader };
  });
  return { leader, partition, replicas: entries };
}

/** All partitions of a topic. */
export function partitionEntries(topic: LogTopic): object[] {
  return Array.from({ length: topic.partitions }, (_, partition) => partitionEntry(topic, partition));
}

/** A topic; `topic_id` is ours, the rest is the dialect's. */
export function topicEntry(topic: LogTopic, configs: Readonly<Record<string, string>>): object {
  return { configs, name: topic.name, partitions: partitionEntries(topic), topic_id: topic.id };
}

/** The settings that hold for every topic of a log that has none by topic. */
export function configsOf(limits: GatewayLimits, retention: GatewayOptions["retention"]): Record<string, string> {
  return {
    "cleanup.policy": "delete",
    "max.message.bytes": String(limits.recordBytesMax),
    "retention.bytes": String(retention?.partitionBytesMax ?? -1),
    "retention.ms": String(retention?.ageMsMax ?? -1),
  };
}

/** A topic among many: how many partitions it has, and which topic of that name it is. */
export function topicCount({ name, id, partitions }: LogTopic): object {
  return { name, topic_id: id, partitions };
}
