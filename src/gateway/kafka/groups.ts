// Offsets that groups committed, in Kafka's own keeping. Nobody joins a group: commits come without a member.
import { offsetCommitV8, offsetFetchV8 } from "@platformatic/kafka";
import { type GroupOffset, type Log, LogError, type TopicPartition } from "../log.ts";
import type { Cluster } from "./cluster.ts";
import { LostError } from "./connections.ts";
import { CODES, codeName } from "./error-codes.ts";
import type { BrokerAddress, KafkaTiming } from "./options.ts";
import { toNumber } from "./record-cursor.ts";

const NO_GENERATION = -1;
const NO_MEMBER = "";
const PAUSE_MS = 100;
/** Codes of a coordinator that is elsewhere or not ready yet, and of offsets whose transaction is still open. */
const MOVED: ReadonlySet<number> = new Set([
  CODES.COORDINATOR_LOAD_IN_PROGRESS,
  CODES.COORDINATOR_NOT_AVAILABLE,
  CODES.NOT_COORDINATOR,
  CODES.UNSTABLE_OFFSET_COMMIT,
]);

type Fetched = ReturnType<typeof offsetFetchV8.parseResponse>;
type Committed = ReturnType<typeof offsetCommitV8.parseResponse>;

export function createGroups(cluster: Cluster, timing: KafkaTiming): Pick<Log, "commit" | "committed"> {
  /** Runs against the coordinator; again, for a while, when it is not the coordinator. Both requests may be repeated. */
  const atCoordinator = async <Answer>(
    group: string,
    request: (coordinator: BrokerAddress) => Promise<Answer>,
    codeOf: (answer: Answer) => number,
  ): Promise<Answer> => {
    const untilMs = performance.now() + timing.controlMs;
    for (;;) {
      let reason: string;
      try {
        const answer = await request(await cluster.coordinator(group));
        const code = codeOf(answer);
        if (code === 0) return answer;
        if (!MOVED.has(code)) throw refusal(group, code);
        reason = codeName(code);
      } catch (error) {
        if (!(error instanceof LostError) && !(error instanceof LogError && error.kind === "unreachable")) throw error;
        reason = error.message;
      }
      if (performance.now() + PAUSE_MS > untilMs) {
        throw new LogError("unreachable", `Cannot reach the offsets of group ${group}: ${reason}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };

  return {
    async committed(group, partitions) {
      if (partitions.length === 0) return [];
      const topics = byTopic(partitions).map(([name, each]) => ({
        name,
        partitionIndexes: each.map(({ partition }) => partition),
      }));
      const answer = await atCoordinator<Fetched>(
        group,
        (coordinator) =>
          cluster.call(coordinator, "control", timing.controlMs, (connection, callback) =>
            offsetFetchV8.api(connection, [{ groupId: group, memberEpoch: -1, topics }], true, callback),
          ),
        // An offset that cannot be told is not one that was never committed: who took it for that would begin elsewhere.
        ({ groups }) => groups[0]!.errorCode || firstError(groups[0]!.topics),
      );
      const found = new Map(
        answer.groups[0]!.topics.flatMap(({ name, partitions: each }) =>
          each.map((entry) => [`${name}/${entry.partitionIndex}`, entry] as const),
        ),
      );
      return partitions.map(({ topic, partition }): GroupOffset | undefined => {
        const entry = found.get(`${topic}/${partition}`);
        if (entry === undefined || entry.committedOffset < 0n) return undefined;
        return { topic, partition, offset: toNumber(entry.committedOffset), metadata: entry.metadata ?? "" };
      });
    },
    async commit(group, offsets) {
      if (offsets.length === 0) return;
      const topics = byTopic(offsets).map(([name, each]) => ({
        name,
        partitions: each.map(({ partition, offset, metadata }) => ({
          partitionIndex: partition,
          committedOffset: BigInt(offset),
          committedLeaderEpoch: -1,
          committedMetadata: metadata,
        })),
      }));
      await atCoordinator<Committed>(
        group,
        (coordinator) =>
          cluster.call(coordinator, "control", timing.controlMs, (connection, callback) =>
            offsetCommitV8.api(connection, group, NO_GENERATION, NO_MEMBER, null, topics, callback),
          ),
        ({ topics: answered }) => firstError(answered),
      );
    },
  };
}

/** The first error of a partition, 0 when there is none; one that is not there has no offset. */
function firstError(topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[]): number {
  const codes = topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
  return codes.find((code) => code !== 0 && code !== CODES.UNKNOWN_TOPIC_OR_PARTITION) ?? 0;
}

const FORBIDDEN: readonly number[] = [CODES.GROUP_AUTHORIZATION_FAILED, CODES.TOPIC_AUTHORIZATION_FAILED];

function refusal(group: string, code: number): LogError {
  const kind = FORBIDDEN.includes(code) ? "forbidden" : "refused";
  return new LogError(kind, `Kafka refuses the offsets of group ${group}: ${codeName(code)}`);
}

function byTopic<Place extends TopicPartition>(places: readonly Place[]): [string, Place[]][] {
  return [...Map.groupBy(places, ({ topic }) => topic)];
}
