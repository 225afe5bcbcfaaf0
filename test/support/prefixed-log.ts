// A log in which every topic bears a prefix, so that tests with topics of the same name share one real cluster.
import type { Log, LogTopic, TopicPartition } from "../../src/gateway/log.ts";

/** Puts `prefix` before every topic, and hides the topics without it. */
export function prefixedLog(log: Log, prefix: string): Log {
  const put = <Place extends TopicPartition>(place: Place): Place => ({ ...place, topic: prefix + place.topic });
  const cut = (topic: LogTopic): LogTopic => ({ ...topic, name: topic.name.slice(prefix.length) });
  // A prefix makes a good name of a bad one, which must stay bad.
  const isName = (name: string): boolean => /^[A-Za-z0-9._-]+$/.test(name);
  return {
    ...log,
    append: async (topic, records) => (isName(topic) ? log.append(prefix + topic, records) : undefined),
    read: (topic, ...rest) => log.read(prefix + topic, ...rest),
    ...(log.readMany === undefined
      ? {}
      : {
          readMany: (request, ...rest) =>
            log.readMany!({ ...request, partitions: request.partitions.map(put) }, ...rest),
        }),
    offsets: (topic, partition) => log.offsets(prefix + topic, partition),
    offsetAt: (topic, ...rest) => log.offsetAt(prefix + topic, ...rest),
    topics: async () => (await log.topics()).filter(({ name }) => name.startsWith(prefix)).map(cut),
    async topic(name) {
      const topic = isName(name) ? await log.topic(prefix + name) : undefined;
      return topic && cut(topic);
    },
    async createTopic(name, partitions) {
      const { topic, created } = await log.createTopic(prefix + name, partitions);
      return { topic: cut(topic), created };
    },
    async committed(group, partitions) {
      const committed = await log.committed(group, partitions.map(put));
      return committed.map((offset) => offset && { ...offset, topic: offset.topic.slice(prefix.length) });
    },
    commit: (group, offsets) => log.commit(group, offsets.map(put)),
    waitForAppend: (wait) => log.waitForAppend({ ...wait, topics: wait.topics.map((topic) => prefix + topic) }),
  };
}
