// A log on a real Kafka cluster over TCP. It keeps nothing that a restart could lose: positions are the readers',
// groups' offsets are Kafka's, and the rest is asked for again.
import { ConfigResourceTypes, createTopicsV7, describeConfigsV4 } from "@platformatic/kafka";
import { appendSignal } from "../append-signal.ts";
import { type Log, LogError, type LogTopic } from "../log.ts";
import { createAppend } from "./append.ts";
import { type Cluster, createCluster, type KafkaTopic } from "./cluster.ts";
import { createConnections } from "./connections.ts";
import { CODES, codeName } from "./error-codes.ts";
import { createGroups } from "./groups.ts";
import { createOffsets } from "./offsets.ts";
import { KAFKA_TIMING, type KafkaOptions, type KafkaTiming } from "./options.ts";
import { createRead } from "./read.ts";

/** How often a reader that waits through `waitForAppend` looks again; the gateway's own reads wait in Kafka. */
const POLL_MS = 25;
const PING_MS = 1_000;
const PAUSE_MS = 50;

/** A log on the cluster that `options` names. Nothing is connected before the first use. */
export function kafkaLog(options: KafkaOptions): Log {
  const timing: KafkaTiming = { ...KAFKA_TIMING, ...options };
  const connections = createConnections(options, timing);
  const cluster = createCluster(options.brokers, connections, timing);
  const offsets = createOffsets(cluster, timing);
  const append = createAppend(cluster, timing);
  const readMany = createRead(cluster, connections, offsets, timing);
  let closed = false;
  let looks = 0;
  const signal = appendSignal(() => looks++, POLL_MS);
  const placeOf = async (name: string, partition: number): Promise<KafkaTopic | undefined> => {
    const topic = await cluster.topic(name);
    return topic !== undefined && partition >= 0 && partition < topic.partitions ? topic : undefined;
  };
  let pinged: { readonly atMs: number; readonly answer: Promise<unknown> } | undefined;

  return {
    ...createGroups(cluster, timing),
    readMany,
    async append(name, records) {
      if (closed) throw new LogError("unreachable", "The log is closed");
      const topic = await cluster.topic(name);
      if (topic === undefined) return undefined;
      const appended = await append(topic, records);
      signal.raise(name);
      return appended;
    },
    async read(name, partition, offset, bounds) {
      const { bytesMax, recordsMax, firstAnyway } = bounds;
      const [read] = await readMany(
        { partitions: [{ topic: name, partition, offset }], bytesMax, recordsMax, waitMs: 0 },
        0,
        undefined,
      );
      if (read === undefined) return undefined;
      if (!("records" in read)) throw read;
      const fits = firstAnyway || (read.records[0]?.bytes ?? 0) <= bytesMax;
      const records = fits ? read.records : [];
      return { begin: read.begin, end: read.end, records, more: (records.at(-1)?.offset ?? offset - 1) + 1 < read.end };
    },
    async offsets(name, partition) {
      const topic = await placeOf(name, partition);
      return topic && offsets.ends(topic, partition);
    },
    async offsetAt(name, partition, timestampMs) {
      const topic = await placeOf(name, partition);
      if (topic === undefined) return undefined;
      const offset = await offsets.at(topic, partition, timestampMs);
      return offset < 0 ? (await offsets.ends(topic, partition)).end : offset;
    },
    topics: () => cluster.topics(),
    topic: (name) => cluster.topic(name),
    topicConfigs: (name) => topicConfigs(cluster, name),
    brokers: () => cluster.brokers(),
    async createTopic(name, partitions) {
      const kept = await cluster.topic(name, true);
      if (kept !== undefined) return { topic: kept, created: false };
      const created = await createTopic(cluster, timing, name, partitions, options.replicationFactor ?? -1);
      return { topic: await present(cluster, timing, name), created };
    },
    async ping() {
      if (closed) throw new LogError("unreachable", "The log is closed");
      // However many ask for its health, the cluster is asked once a second.
      if (pinged === undefined || performance.now() - pinged.atMs > PING_MS) {
        pinged = { atMs: performance.now(), answer: cluster.brokers() };
      }
      await pinged.answer;
    },
    mark: signal.mark,
    waitForAppend: signal.wait,
    trim: async () => 0,
    async close() {
      closed = true;
      signal.close();
      await connections.close();
    },
  };
}

type Created = ReturnType<typeof createTopicsV7.parseResponse>;

/** Makes a topic; false when somebody else was faster. Throws RangeError, or LogError. */
async function createTopic(
  cluster: Cluster,
  timing: KafkaTiming,
  name: string,
  numPartitions: number,
  replicationFactor: number,
): Promise<boolean> {
  const topics = [{ name, numPartitions, replicationFactor, assignments: [], configs: [] }];
  const answer = await cluster.anywhere<Created>((connection, callback) =>
    createTopicsV7.api(connection, topics, timing.controlMs, false, callback),
  );
  const { errorCode, errorMessage } = answer.topics[0]!;
  if (errorCode === 0) return true;
  if (errorCode === CODES.TOPIC_ALREADY_EXISTS) return false;
  const text = `Kafka does not make topic ${name}: ${errorMessage ?? codeName(errorCode)}`;
  if (errorCode === CODES.TOPIC_AUTHORIZATION_FAILED || errorCode === CODES.CLUSTER_AUTHORIZATION_FAILED) {
    throw new LogError("forbidden", text);
  }
  if (errorCode === CODES.NOT_CONTROLLER) throw new LogError("unreachable", text);
  throw new RangeError(text);
}

/** Waits until a new topic is known everywhere and every partition has a leader. */
async function present(cluster: Cluster, timing: KafkaTiming, name: string): Promise<LogTopic> {
  const untilMs = performance.now() + timing.controlMs;
  for (;;) {
    const topic = await cluster.topic(name, true);
    if (topic?.placement.every((_, partition) => cluster.leader(topic, partition) !== undefined)) return topic;
    if (performance.now() > untilMs) throw new LogError("unreachable", `Topic ${name} was made but has no leader yet`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

type Configs = ReturnType<typeof describeConfigsV4.parseResponse>;

async function topicConfigs(cluster: Cluster, name: string): Promise<Record<string, string>> {
  const resources = [
    { resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configurationKeys: null as unknown as string[] },
  ];
  const answer = await cluster.anywhere<Configs>((connection, callback) =>
    describeConfigsV4.api(connection, resources, false, false, callback),
  );
  const { errorCode, configs } = answer.results[0]!;
  // Describing settings is a permission of its own; a topic without them is still a topic.
  if (errorCode !== 0) return {};
  return Object.fromEntries(configs.map(({ name: key, value }) => [key, value ?? ""]));
}
