// A question that takes too long is found when it is alone in its transaction: asked for ever, nothing behind it in its
// partition would be applied.
import type { Database } from "../../../ports/database.ts";
import { GraphFailure } from "./failure.ts";
import { isLate } from "./settled.ts";
import type { Transact } from "./transact.ts";

/** Attempts at a lone question before it counts as one that cannot be answered; the first ones may have met a busy server. */
const LATE_MAX = 3;

type Args = Parameters<Database["transact"]>;

/**
 * Attempts at a transaction, one per call. A lone question that is late again and again fails as what cannot be stored
 * does: as the fault of its operation. What asks nothing is never given up for being slow.
 */
export function attemptsAt(transact: Transact, ...[request, decide]: Args): () => Promise<void> {
  let asks = false;
  let late = 0;
  const watched: Args[1] = (state) => {
    const decision = decide(state);
    asks = "write" in decision && (decision.write.questions ?? []).length > 0;
    return decision;
  };
  return async () => {
    const begunMs = performance.now();
    try {
      await transact(request, watched);
    } catch (error) {
      if (!asks || request.ledger.length > 1 || !isLate(error, performance.now() - begunMs)) throw error;
      late += 1;
      throw late < LATE_MAX ? error : new GraphFailure("statement", `a question took too long ${late} times`, error);
    }
  };
}
