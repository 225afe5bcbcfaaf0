// Recomputes, in bounded chunks, what refers to an entity whose deletion, creation or hiding changed what readers see.
import { asAppError, isForHalves } from "../domain/errors.ts";
import { kindOfKey } from "../domain/key.ts";
import { type GraphModel, kindIn } from "../domain/model.ts";
import { referralsOf } from "../domain/projection.ts";
import { settle } from "../domain/settle.ts";
import type { EntityState } from "../domain/state.ts";
import type { Database, SweepRow, TransactState } from "../ports/database.ts";
import { type Allowance, affordable, NEEDS } from "./allowance.ts";

const ROWS_MAX = 20;
const REFERRERS_MAX = 200;

export interface SweepDeps {
  readonly model: GraphModel;
  readonly database: Database;
}

/**
 * One chunk of each of up to 20 sweeps, or as many as the requests allow. Answers how many chunks were done: 0 means that
 * nothing is left to sweep, or nothing is left to do it with. One that fails for a reason of its own stops no other; its
 * error is thrown at the end.
 */
export async function sweep(deps: SweepDeps, allowance?: Allowance, signal?: AbortSignal): Promise<number> {
  const limit = affordable(allowance, NEEDS.sweepRow, ROWS_MAX);
  if (limit === 0) return 0;
  let failure: unknown;
  const rows = await deps.database.dueSweeps(limit);
  for (const row of rows) {
    if (signal?.aborted === true) return 0;
    try {
      await sweepChunk(deps, row);
    } catch (error) {
      if (!isForHalves(asAppError(error))) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return rows.length;
}

/** A chunk that is too much for the database at a time is tried again at half the size. */
async function sweepChunk(deps: SweepDeps, row: SweepRow): Promise<void> {
  for (let limit = REFERRERS_MAX; ; limit = Math.ceil(limit / 2)) {
    try {
      return await sweepPage(deps, row, limit);
    } catch (error) {
      if (limit === 1 || !isForHalves(asAppError(error))) throw error;
    }
  }
}

async function sweepPage({ model, database }: SweepDeps, row: SweepRow, limit: number): Promise<void> {
  const page = await database.referrers(row.key, row.cursor, limit);
  const members = [...new Set(page.sources)].sort();
  const swept = { key: row.key, revision: row.revision, cursor: page.next };
  // The owner is locked with its members: a save that restarts this sweep waits, or is seen.
  const keys = [...new Set([...members, row.key])].sort();
  await database.transact({ positions: [], keys, ledger: [], divisible: limit > 1 }, (state) => {
    const settled = settle(model, memberStates(model, state, members, row.key), (key) => state.entity(key), true);
    if ("need" in settled) return settled;
    return {
      write: {
        positions: [],
        entities: settled.saves,
        names: [],
        ledger: [],
        outbox: [],
        parked: [],
        sweeps: settled.sweeps,
        swept,
      },
    };
  });
}

/** States of those members that still refer to the owner: they may have moved away since they were listed. */
function memberStates(
  model: GraphModel,
  state: TransactState,
  members: readonly string[],
  owner: string,
): Map<string, EntityState> {
  const states = new Map<string, EntityState>();
  for (const key of members) {
    const entity = state.entity(key)!;
    const refers = referralsOf(kindIn(model, kindOfKey(key)), entity.state).some(({ target }) => target === owner);
    if (refers) states.set(key, entity.state);
  }
  return states;
}
