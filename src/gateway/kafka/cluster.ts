// What is known of a cluster: its brokers, its topics and who leads their partitions. Learned from any broker, kept
// for a while, and asked for again whenever an answer says that it is out of date.
import { findCoordinatorV4, metadataV12 } from "@platformatic/kafka";
import { LogError, type LogTopic, type Placement } from "../log.ts";
import { TOPIC_NAME } from "../place-schema.ts";
import { ask, type Connections, type Lane, LostError } from "./connections.ts";
import { CODES, codeName } from "./error-codes.ts";
import type { BrokerAddress, KafkaTiming } from "./options.ts";

/** A topic of the cluster. */
export interface KafkaTopic extends LogTopic {
  readonly placement: readonly Placement[];
}

export interface Cluster {
  /** A topic as it was known a moment ago, or `fresh`ly asked for. Rejects with LogError. */
  topic(name: string, fresh?: boolean): Promise<KafkaTopic | undefined>;
  /** Every topic but the cluster's own, in order of name. */
  topics(): Promise<KafkaTopic[]>;
  /** Address of the partition's leader; undefined while it has none. */
  leader(topic: KafkaTopic, partition: number): BrokerAddress | undefined;
  /** Ids of the brokers. */
  brokers(): Promise<number[]>;
  /** The broker that keeps a group's offsets. */
  coordinator(group: string): Promise<BrokerAddress>;
  /** Sends one request to one broker; see `ask`. Rejects with LogError when it was not sent. */
  call: Call;
  /** Sends one request that may be repeated to whichever broker answers. Rejects with LogError. */
  anywhere: Anywhere;
}

type Anywhere = <Response>(send: Parameters<typeof ask<Response>>[2]) => Promise<Response>;

type Call = <Response>(
  address: BrokerAddress,
  lane: Lane,
  timeoutMs: number,
  send: Parameters<typeof ask<Response>>[2],
) => Promise<Response>;
type Metadata = ReturnType<typeof metadataV12.parseResponse>;

interface Known {
  readonly topic: KafkaTopic;
  readonly atMs: number;
}

/** Topics remembered at most; beyond that the oldest are asked for again. */
const KNOWN_MAX = 10_000;
const COORDINATOR_KEY_GROUP = 0;

export function createCluster(
  bootstrap: readonly BrokerAddress[],
  connections: Connections,
  timing: KafkaTiming,
): Cluster {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<KafkaTopic | undefined>>();
  let brokers = new Map<number, BrokerAddress>();
  let last: BrokerAddress | undefined;

  const call: Call = async (address, lane, timeoutMs, send) => {
    const connection = await connections.shared(address, lane);
    // It closed while others were served: nothing was sent on it yet.
    if (!connection.isConnected()) {
      throw new LogError("unreachable", `Cannot reach Kafka at ${address.host}:${address.port}: connection closed`);
    }
    return ask(connection, timeoutMs, send);
  };

  /** Asks one broker after another, the one that answered last first; a request of this kind may be repeated. */
  const anywhere: Anywhere = async (send) => {
    const candidates = new Map<string, BrokerAddress>();
    for (const address of [...(last === undefined ? [] : [last]), ...brokers.values(), ...bootstrap]) {
      candidates.set(`${address.host}:${address.port}`, address);
    }
    let failure: unknown;
    const until = performance.now() + timing.controlMs;
    for (const address of candidates.values()) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) break;
      try {
        const answer = await call(address, "control", candidates.size > 1 ? leftMs / 2 : leftMs, send);
        last = address;
        return answer;
      } catch (error) {
        failure = error;
        // A refusal of credentials is what the operator has to read, whatever the other brokers say.
        if (error instanceof LogError && error.kind === "forbidden") throw error;
      }
    }
    throw failure instanceof LostError ? new LogError("unreachable", `Kafka: ${failure.message}`, failure) : failure;
  };

  const metadata = async (names: string[] | null): Promise<Metadata> => {
    // Null asks for all topics, which the library's types do not know.
    const topics = names as string[];
    const answer = await anywhere<Metadata>((connection, callback) =>
      metadataV12.api(connection, topics, false, false, callback),
    );
    brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    return answer;
  };

  const learn = async (name: string): Promise<KafkaTopic | undefined> => {
    const [entry] = (await metadata([name])).topics;
    const topic = entry === undefined ? undefined : topicOf(entry);
    if (topic === undefined) known.delete(name);
    else remember(topic);
    return topic;
  };
  const remember = (topic: KafkaTopic): void => {
    known.delete(topic.name);
    known.set(topic.name, { topic, atMs: performance.now() });
    if (known.size > KNOWN_MAX) known.delete(known.keys().next().value!);
  };
  const refresh = (name: string): Promise<KafkaTopic | undefined> => {
    let answer = asking.get(name);
    if (answer === undefined) {
      answer = learn(name).finally(() => asking.delete(name));
      asking.set(name, answer);
    }
    return answer;
  };

  return {
    call,
    anywhere,
    async topic(name, fresh = false) {
      if (!TOPIC_NAME.test(name)) return undefined;
      const kept = known.get(name);
      if (kept === undefined || fresh) return refresh(name);
      // What is known goes on serving while a broker takes its time to confirm it.
      if (performance.now() - kept.atMs > timing.topicAgeMs) refresh(name).catch(() => {});
      return kept.topic;
    },
    async topics() {
      const entries = (await metadata(null)).topics.filter(({ isInternal }) => !isInternal);
      const topics = entries.map(topicOf).filter((topic) => topic !== undefined);
      for (const topic of topics) remember(topic);
      return topics.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    leader: ({ placement }, partition) => brokers.get(placement[partition]?.leader ?? -1),
    async brokers() {
      return (await metadata([])).brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
    },
    async coordinator(group) {
      const answer = await anywhere<ReturnType<typeof findCoordinatorV4.parseResponse>>((connection, callback) =>
        findCoordinatorV4.api(connection, COORDINATOR_KEY_GROUP, [group], callback),
      );
      const entry = answer.coordinators[0];
      if (entry?.errorCode === 0) return { host: entry.host, port: entry.port };
      const kind = entry?.errorCode === CODES.GROUP_AUTHORIZATION_FAILED ? "forbidden" : "unreachable";
      throw new LogError(kind, `Cannot find the coordinator of group ${group}: ${codeName(entry?.errorCode)}`);
    },
  };
}

function topicOf(entry: Metadata["topics"][number]): KafkaTopic | undefined {
  const { errorCode, name, topicId: id, partitions } = entry;
  if (errorCode === CODES.UNKNOWN_TOPIC_OR_PARTITION || errorCode === CODES.INVALID_TOPIC_EXCEPTION) return undefined;
  if (errorCode === CODES.TOPIC_AUTHORIZATION_FAILED) {
    throw new LogError("forbidden", `Kafka does not let the gateway use topic ${name}`);
  }
  if (errorCode !== 0) throw new LogError("unreachable", `Kafka answered ${codeName(errorCode)} for topic ${name}`);
  const sorted = partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex);
  const placement = sorted.map(({ leaderId: leader, replicaNodes: replicas, isrNodes: inSync }) => {
    return { leader, replicas, inSync };
  });
  return { name: name!, id, partitions: placement.length, placement };
}
