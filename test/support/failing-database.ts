// A decorator over the database port that fails as networks do: before anything was done, or after the commit, when
// only the answer was lost.
import { AppError } from "../../src/domain/errors.ts";
import type { Database } from "../../src/ports/database.ts";
import { seededRandom } from "./faulty-broker.ts";

/** What goes wrong from now on; a test changes it between steps. */
export interface DatabaseFaults {
  /** Nothing reaches the database. */
  down: boolean;
  /** It can be read, and takes no transaction. */
  readOnly: boolean;
  /** The next transactions commit, and their answers are lost. */
  answersLost: boolean;
  /** Every call throws what nobody foresaw. */
  unforeseen: boolean;
  /** How often either strikes by chance, from 0 to 1. */
  downRate: number;
  answerLostRate: number;
}

export interface FailingDatabase extends Database {
  readonly faults: DatabaseFaults;
  /** Calls that failed, by method. */
  readonly failed: ReadonlyMap<string, number>;
}

/** A database with faults, decided by the switches and by the seed. */
export function failingDatabase(inner: Database, seed = 1): FailingDatabase {
  const faults: DatabaseFaults = {
    down: false,
    readOnly: false,
    answersLost: false,
    unforeseen: false,
    downRate: 0,
    answerLostRate: 0,
  };
  const failed = new Map<string, number>();
  const random = seededRandom(seed);
  const strikes = (always: boolean, rate: number): boolean => always || (rate > 0 && random() < rate);
  const fail = (method: string, ambiguous: boolean): never => {
    failed.set(method, (failed.get(method) ?? 0) + 1);
    const what = ambiguous ? "the answer was lost" : "connection refused";
    throw new AppError("graph_unavailable", `Cannot use the database: ${what}`, { ambiguous });
  };
  const methods = Object.entries(inner as unknown as Record<string, Method>).map(([name, method]) => {
    if (name === "close") return [name, method];
    const guarded: Method = async (...args) => {
      if (faults.unforeseen) throw new TypeError("nobody foresaw this");
      if (strikes(faults.down, faults.downRate)) fail(name, false);
      if (name === "transact" && faults.readOnly) fail(name, false);
      const result = await method(...args);
      if (name === "transact" && strikes(faults.answersLost, faults.answerLostRate)) fail(name, true);
      return result;
    };
    return [name, guarded];
  });
  return { ...(Object.fromEntries(methods) as unknown as Database), faults, failed };
}

type Method = (...args: unknown[]) => Promise<unknown>;
