// A case: operations with the identity they will have, and journeys that bring them into the graph.

/** Any JSON value. Declared here because the oracle may import nothing of the program. */
export type Plain = null | boolean | number | string | Plain[] | { [name: string]: Plain };

/** An operation as clients and the oracle know it. */
export interface PlainOperation {
  readonly flow: string;
  readonly type: string;
  readonly data: { readonly [name: string]: Plain };
  readonly tenant: string;
  readonly stamp: string;
  readonly id: string;
  /** Made by a producer that does not hold our secret. */
  readonly foreign: boolean;
  /** A foreign stamp too far in the future: the record has to be parked, and has no effect. */
  readonly ahead: boolean;
  /** Made by the service itself: the result of a request. */
  readonly derived: boolean;
}

/**
 * How one attempt at an operation goes. `kafka`: produced. `direct`: its flow's Kafka is off. `fallback`, `fatal`: the
 * broker refused it. `unknown`: the broker took it and did not say so. `lost`: it did neither. `record`: the record
 * turns up in the log once more, or for the first time, without the service having produced it.
 */
export type Way = "kafka" | "direct" | "fallback" | "fatal" | "unknown" | "lost" | "record";

/** One attempt. Attempts of all operations are made in order of `rank`. */
export interface Trip {
  readonly way: Way;
  readonly partition: number;
  readonly rank: number;
}

/** What happens between attempts; `n` sizes it: records of a tick, attempts of a batch, offsets of staleness. */
export interface Step {
  readonly act: Act;
  readonly n: number;
}

export const ACTS = [
  "client",
  "batch",
  "tick",
  "stale tick",
  "crashed tick",
  "cut off tick",
  "two ticks",
  "keeping relay",
  "refusing relay",
  "sweep",
  "crashed client",
  "cut off client",
  "later",
  "answer",
] as const;
export type Act = (typeof ACTS)[number];

/** What is generated of an operation before its identity is made. */
export interface Seed {
  readonly flow: string;
  readonly type: string;
  readonly data: { readonly [name: string]: Plain };
  readonly tenant: string;
  /** 0 to 9, or beyond every clock. */
  readonly time: number | "far";
  /** Orders operation ids apart from the order of the list. */
  readonly idRank: number;
  readonly origin: "minted" | "keyed" | "foreign" | "foreign near" | "foreign ahead";
  /** Attempts, for each of two journeys. */
  readonly trips: readonly [readonly Trip[], readonly Trip[]];
  /** How often, and when, another instance of the service puts the result of this request into the log. */
  readonly resultTrips: readonly [readonly Trip[], readonly Trip[]];
}

/** What fast-check generates. Everything that happens follows from it. */
export interface Case {
  readonly seeds: readonly Seed[];
  readonly steps: readonly [readonly Step[], readonly Step[]];
  /** Whether each decision is made twice, as a guarded database may do. */
  readonly decidesTwice: boolean;
  /**
   * Clients wait for prepared work; or they go on while it is under way; or the outside world answers nobody before the
   * act `answer`, so that leases run out and several attempts at one request are under way.
   */
  readonly patience: "waits" | "goes on" | "slow outside";
}
