// A decorator over the database port with the faults that rules are about: stale positions, a crash before or after
// the commit, a decision made twice, and sweeps in chunks of one.
import type { Database, Decision, PositionRow, TransactState, Writes } from "../../src/ports/database.ts";

/** What goes wrong now. A test changes it between steps. */
export interface Faults {
  /** Offsets by which positions are answered too low. */
  staleBy: number;
  /** What the coming transactions meet: the process dies before the commit, or its answer is lost after it. */
  crash: "before commit" | "after commit" | null;
  /** Whether writes find no database at all. */
  unreachable: boolean;
  /** Whether each decision is made twice, as a guarded implementation may do. */
  decidesTwice: boolean;
  /** Whether ticks find sweeps to do, and how much a chunk holds. */
  sweepsPaused: boolean;
  sweepMembersMax: number;
}

export function noFaults(): Faults {
  return {
    staleBy: 0,
    crash: null,
    unreachable: false,
    decidesTwice: false,
    sweepsPaused: false,
    sweepMembersMax: 200,
  };
}

/** `crashed` makes the error of a database that cannot be reached; `committed` sees all writes in commit order. */
export function faultyDatabase(
  inner: Database,
  faults: Faults,
  crashed: () => Error,
  committed: (writes: Writes) => void,
): Database {
  const stale = (row: PositionRow): PositionRow =>
    row.key.startsWith("log/") ? { ...row, next: Math.max(0, row.next - faults.staleBy) } : row;
  return {
    ...inner,
    async agenda(...args) {
      const agenda = await inner.agenda(...args);
      return {
        ...agenda,
        sweeps: agenda.sweeps && !faults.sweepsPaused,
        positions: faults.staleBy === 0 ? agenda.positions : agenda.positions.map(stale),
      };
    },
    async transact(request, decide) {
      if (faults.unreachable) throw crashed();
      let writes: Writes | undefined;
      await inner.transact(request, (state: TransactState): Decision => {
        if (faults.decidesTwice) decide(state);
        const decision = decide(state);
        writes = "write" in decision ? decision.write : undefined;
        if (faults.crash === "before commit") throw crashed();
        return decision;
      });
      if (writes !== undefined) committed(writes);
      if (faults.crash === "after commit") throw crashed();
    },
    async reserveKeys(rows) {
      if (faults.unreachable) throw crashed();
      return inner.reserveKeys(rows);
    },
    async releaseKeys(rows) {
      if (faults.unreachable) throw crashed();
      return inner.releaseKeys(rows);
    },
    async positions(keys) {
      const rows = await inner.positions(keys);
      if (faults.staleBy === 0) return rows;
      return rows.map(stale);
    },
    dueSweeps: async (limit) => (faults.sweepsPaused ? [] : inner.dueSweeps(Math.min(limit, faults.sweepMembersMax))),
    referrers: (target, cursor, limit) => inner.referrers(target, cursor, Math.min(limit, faults.sweepMembersMax)),
  };
}
