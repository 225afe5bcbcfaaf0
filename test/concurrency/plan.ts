// What six processes work off: the size of core-proof (b4). Everything follows from the seed, so that each process
// makes the same log for itself.
import type { Plain, Seed } from "../property/case.ts";
import type { Core } from "../property/core.ts";
import { type Fixed, fixCase } from "../property/identity.ts";

export const PARTITIONS = 3;
export const OPERATIONS = 900;
/** A fifteenth more: duplicates, most of them in another partition. */
export const RECORDS = 960;

/** A record of the log, in the order of appending. */
export interface PlannedRecord {
  readonly fixed: Fixed;
  readonly partition: number;
}

export interface Plan {
  readonly operations: readonly Fixed[];
  readonly records: readonly PlannedRecord[];
}

export function planOf(core: Core, seed: number): Plan {
  const random = randomOf(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const seeds = Array.from({ length: OPERATIONS }, (): Seed => {
    const { flow, type, data } = pick(KINDS)(pick);
    const time = Math.floor(random() * 300);
    return {
      flow,
      type,
      data,
      tenant: "a",
      time,
      idRank: Math.floor(random() * 16),
      origin: "minted",
      trips: [[], []],
      resultTrips: [[], []],
    };
  });
  const operations = fixCase(core, { seeds });
  const records: PlannedRecord[] = operations.map((fixed) => ({ fixed, partition: Math.floor(random() * PARTITIONS) }));
  for (let i = OPERATIONS; i < RECORDS; i++) {
    const again = pick(records.slice(0, OPERATIONS));
    const elsewhere = random() < 0.8;
    records.splice(Math.floor(random() * records.length), 0, {
      fixed: again.fixed,
      partition: elsewhere ? (again.partition + 1) % PARTITIONS : again.partition,
    });
  }
  return { operations, records };
}

type Chooser = <Item>(items: readonly Item[]) => Item;
type Draft = Pick<Seed, "flow" | "type" | "data">;

/** Fourteen hot entities: four sessions, six messages that move between them, four memories of messages. */
const SESSIONS = ["s0", "s1", "s2", "s3"];
const MESSAGES = ["m0", "m1", "m2", "m3", "m4", "m5"];
const MEMORIES = ["k0", "k1", "k2", "k3"];
const USERS = ["u0", "u1"];
const VALUES: readonly Plain[] = ["p", "q", "r", null];

const TIMES: readonly Plain[] = ["2020-01-01T00:00:00.000Z", "2021-01-01T00:00:00.000Z", null];

/** Every operation writes another few of many registers, so that a lost one is not soon written over. */
function some(pick: Chooser, data: Seed["data"]): Seed["data"] {
  const names = Object.keys(data);
  const kept = new Set(["id", "user", "content", pick(names), pick(names)]);
  return Object.fromEntries(Object.entries(data).filter(([name]) => kept.has(name)));
}

const KINDS: readonly ((pick: Chooser) => Draft)[] = [
  (pick) => {
    const data = { title: pick(VALUES), prompt: pick(VALUES), startedAt: pick(TIMES), endedAt: pick(TIMES) };
    const type = pick(["create", "update", "update"]);
    return {
      flow: "session",
      type,
      data: { id: pick(SESSIONS), ...some(pick, { ...data, metadata: { p: pick(VALUES) } }) },
    };
  },
  (pick) => ({
    flow: "chat-messages",
    type: "create",
    data: { id: pick(MESSAGES), session: pick(SESSIONS), user: pick(USERS), content: pick(["p", "q"]) },
  }),
  (pick) => {
    const data = {
      session: pick(SESSIONS),
      role: pick(["user", "tool"]),
      seq: pick([1, 2, null]),
      sentAt: pick(TIMES),
    };
    return { flow: "chat-messages", type: "update", data: { id: pick(MESSAGES), ...some(pick, data) } };
  },
  (pick) => {
    const data = { user: pick(USERS), content: pick(["p", "q"]), message: pick(MESSAGES), tags: pick([["p"], null]) };
    return { flow: "memory", type: pick(["create", "update"]), data: { id: pick(MEMORIES), ...some(pick, data) } };
  },
  (pick) => {
    const [flow, ids] = pick([["session", SESSIONS] as const, ["chat-messages", MESSAGES] as const]);
    // Deletes are rarer: a dead entity has few registers to lose.
    if (pick([0, 1, 2, 3]) > 0) return { flow, type: "update", data: { id: pick(ids), metadata: { p: pick(VALUES) } } };
    return { flow, type: "delete", data: { id: pick(ids) } };
  },
];

/** mulberry32: small, seeded, and even enough for a test. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
