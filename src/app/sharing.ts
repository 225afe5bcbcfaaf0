// Consumer processes that live long share the partitions out among themselves. It only saves work: positions are compared
// under their locks, so two processes that both think a partition is theirs still apply every record once.
import { takesSome, takesTopic } from "../flows/consumption.ts";
import type { Clock } from "../ports/clock.ts";
import type { ConsumerRow, Database } from "../ports/database.ts";

export interface SharingDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Names this process among the consumers of the database. */
  readonly name: string;
  /** What it consumes: names of flows, and `flow/topic`. */
  readonly flows: readonly string[];
  /** How long this process counts as alive after its last word. */
  readonly keepMs: number;
}

export interface Sharing {
  /** Says that this process lives and looks who else does, a few times within `keepMs`. */
  look(): Promise<void>;
  /** Whether a partition of a flow's topic is this process's to read. */
  takes(flow: string, topic: string, partition: number): boolean;
  /** Whether what nobody has to do twice, such as relaying the outbox, is this process's to do. */
  leads(): boolean;
  /** Whether no other process reads any of a flow. */
  isAlone(flow: string): boolean;
  /** Leaves its share to the others at once. Never throws. */
  leave(): Promise<void>;
}

/** Looks within the time after which a silent process is given up. */
const LOOKS_PER_KEEP = 5;

/** A process that shares with nobody: all is its own. */
export const ALONE: Sharing = {
  look: async () => undefined,
  takes: () => true,
  leads: () => true,
  isAlone: () => true,
  leave: async () => undefined,
};

/**
 * Partitions go round among the consumers of their topic in order of name: even shares that every process works out by
 * itself from the same rows. A newcomer gets its share within a fifth of `keepMs`; the share of one that was killed goes to the others
 * after `keepMs`.
 */
export function createSharing({ database, clock, name, flows, keepMs }: SharingDeps): Sharing {
  let living: readonly ConsumerRow[] = [{ name, flows, untilMs: 0 }];
  let nextMs = 0;
  return {
    async look() {
      if (clock.nowMs() < nextMs) return;
      living = await database.announce({ name, flows }, keepMs);
      nextMs = clock.nowMs() + keepMs / LOOKS_PER_KEEP;
    },
    takes(flow, topic, partition) {
      const consumers = living.filter((consumer) => takesTopic(consumer.flows, flow, topic));
      return consumers[(spread(topic) + partition) % consumers.length]?.name === name;
    },
    leads: () => living[0]?.name === name,
    isAlone: (flow) => living.every((other) => other.name === name || !takesSome(other.flows, flow)),
    async leave() {
      await database.announce({ name, flows }, 0).catch(() => undefined);
    },
  };
}

/** Where in the round a topic begins: topics of one partition must not all go to the first consumer. */
function spread(topic: string): number {
  let sum = 0;
  for (const character of topic) sum = (sum * 31 + character.codePointAt(0)!) % 65_536;
  return sum;
}
