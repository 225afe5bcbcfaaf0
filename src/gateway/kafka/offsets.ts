// First, last and timed offsets of partitions, asked of their leaders.
import { listOffsetsV7 } from "@platformatic/kafka";
import { LogError, type LogOffsets } from "../log.ts";
import type { Cluster, KafkaTopic } from "./cluster.ts";
import { LostError } from "./connections.ts";
import { codeName, LEADER_MOVED } from "./error-codes.ts";
import type { KafkaTiming } from "./options.ts";
import { toNumber } from "./record-cursor.ts";

export const EARLIEST = -2;
export const LATEST = -1;
const UNCOMMITTED = 0;
const NOBODY = -1;
const PAUSE_MS = 50;

type Response = ReturnType<typeof listOffsetsV7.parseResponse>;

export interface Offsets {
  /** The offset that Kafka has for a timestamp or for EARLIEST or LATEST; -1 where it has none. Rejects with LogError. */
  at(topic: KafkaTopic, partition: number, timestamp: number): Promise<number>;
  /** Both ends. */
  ends(topic: KafkaTopic, partition: number): Promise<LogOffsets>;
}

export function createOffsets(cluster: Cluster, timing: KafkaTiming): Offsets {
  const once = async (topic: KafkaTopic, partition: number, timestamp: number): Promise<number | string> => {
    const leader = cluster.leader(topic, partition);
    if (leader === undefined) return "it has no leader";
    const partitions = [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: BigInt(timestamp) }];
    const answer = await cluster.call<Response>(leader, "control", timing.controlMs, (connection, callback) =>
      listOffsetsV7.api(connection, NOBODY, UNCOMMITTED, [{ name: topic.name, partitions }], callback),
    );
    const { errorCode, offset } = answer.topics[0]!.partitions[0]!;
    if (errorCode === 0) return toNumber(offset);
    const reason = `Kafka answered ${codeName(errorCode)}`;
    if (LEADER_MOVED.has(errorCode)) return reason;
    throw new LogError("unreachable", `Cannot read the offsets of ${topic.name}/${partition}: ${reason}`);
  };

  const at = async (topic: KafkaTopic, partition: number, timestamp: number): Promise<number> => {
    const untilMs = performance.now() + timing.patienceMs;
    for (let current: KafkaTopic = topic; ; ) {
      const answer = await once(current, partition, timestamp).catch((error: Error) => {
        if (error instanceof LostError || (error instanceof LogError && error.kind === "unreachable"))
          return error.message;
        throw error;
      });
      if (typeof answer === "number") return answer;
      if (performance.now() + PAUSE_MS > untilMs) {
        throw new LogError("unreachable", `Cannot read the offsets of ${topic.name}/${partition}: ${answer}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      current = (await cluster.topic(topic.name, true)) ?? current;
    }
  };

  return {
    at,
    async ends(topic, partition) {
      const [begin, end] = await Promise.all([at(topic, partition, EARLIEST), at(topic, partition, LATEST)]);
      return { begin, end };
    },
  };
}
