// Seeded faults over any broker: what a proxy does on a bad day, the same way in every run.
import { AppError } from "../../src/domain/errors.ts";
import type { Broker, ProduceRecord, ProduceResult } from "../../src/ports/broker.ts";

/** How often each fault strikes, from 0 to 1. The first five are drawn per record and exclude one another. */
export interface FaultRates {
  /** Not written, may be tried again. */
  readonly retryable?: number;
  /** Not written, will not heal. */
  readonly fatal?: number;
  /** Written, and answered `unknown`. */
  readonly unknownWritten?: number;
  /** Not written, and answered `unknown`. */
  readonly unknownLost?: number;
  /** Answered `unknown`; written before a later call, or by `land()`. */
  readonly late?: number;
  /** Written twice, answered once. */
  readonly duplicate?: number;
  /** Reads that throw. */
  readonly readFails?: number;
  /** Calls of topics that throw. */
  readonly topicsFails?: number;
}

/** A broker with faults. */
export interface FaultyBroker extends Broker {
  /** Lets everything that is late land now. */
  land(): Promise<void>;
  /** How many times each fault struck. */
  readonly struck: Readonly<Record<keyof FaultRates, number>>;
}

const RECORD_FAULTS = ["retryable", "fatal", "unknownWritten", "unknownLost", "late"] as const;

/** Numbers from 0 to 1 that follow from the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A broker that fails at the given rates, decided by the seed. Everything it answers keeps the port's promises. */
export function faultyBroker(broker: Broker, seed: number, rates: FaultRates): FaultyBroker {
  const random = seededRandom(seed);
  const struck = {
    retryable: 0,
    fatal: 0,
    unknownWritten: 0,
    unknownLost: 0,
    late: 0,
    duplicate: 0,
    readFails: 0,
    topicsFails: 0,
  };
  let late: ProduceRecord[] = [];

  const strike = (fault: keyof FaultRates): boolean => {
    if (random() >= (rates[fault] ?? 0)) return false;
    struck[fault]++;
    return true;
  };
  const drawRecordFault = () => {
    let draw = random();
    for (const fault of RECORD_FAULTS) {
      draw -= rates[fault] ?? 0;
      if (draw >= 0) continue;
      struck[fault]++;
      return fault;
    }
    return undefined;
  };
  const land = async (): Promise<void> => {
    const records = late;
    late = [];
    if (records.length > 0) await broker.produce(records);
  };

  return {
    cluster: broker.cluster,
    struck,
    land,
    async produce(records, signal) {
      if (late.length > 0 && random() < 0.5) await land();
      const faults = records.map(drawRecordFault);
      const written = records.filter((_, i) => faults[i] === undefined || faults[i] === "unknownWritten");
      const results = await broker.produce(written, signal);
      late.push(...records.filter((_, i) => faults[i] === "late"));
      const again = written.filter(() => strike("duplicate"));
      if (again.length > 0) await broker.produce(again);
      let next = 0;
      return faults.map((fault): ProduceResult => {
        if (fault === undefined) return results[next++]!;
        if (fault === "unknownWritten") next++;
        const status = fault === "retryable" || fault === "fatal" ? fault : "unknown";
        return { status, reason: `made to fail: ${fault}` };
      });
    },
    async read(from, budget) {
      if (strike("readFails")) throw new AppError("broker_unavailable", "Cannot read: made to fail");
      return broker.read(from, budget);
    },
    async topics(names, signal) {
      if (strike("topicsFails")) throw new AppError("broker_unavailable", "Cannot read topics: made to fail");
      return broker.topics(names, signal);
    },
  };
}

/** A broker behind a gate. */
export interface GatedBroker extends Broker {
  /** How many calls wait at the gate. */
  waiting(): number;
  /** Lets everything through that waits, and answers once it has settled. */
  release(): Promise<void>;
}

/** A broker whose produces wait, deaf to their signal, until they are released: what lands after a deadline. */
export function gatedBroker(broker: Broker): GatedBroker {
  let gate: (() => Promise<unknown>)[] = [];
  return {
    cluster: broker.cluster,
    waiting: () => gate.length,
    async release() {
      const through = gate;
      gate = [];
      await Promise.all(through.map((go) => go()));
    },
    produce(records) {
      return new Promise((resolve, reject) => {
        gate.push(() => broker.produce(records).then(resolve, reject));
      });
    },
    read: (from, budget) => broker.read(from, budget),
    topics: (names, signal) => broker.topics(names, signal),
  };
}
