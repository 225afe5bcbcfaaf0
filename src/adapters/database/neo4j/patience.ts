// A question that takes too long is found when it is alone in its transaction: asked for ever, nothing behind it in its
// partition would be applied.
import type { Database } from "../../../ports/database.ts";
import { GraphFailure } from "./failure.ts";
import { isLate } from "./settled.ts";
import type { Transact } from "./transact.ts";

/** Attempts at a lone question that is too much before it counts as one that cannot be answered; the first ones may have met a busy server. */
const LATE_MAX = 3;

type Args = Parameters<Database["transact"]>;

/**
 * Attempts at a transaction, one per call. A lone question that is late again and again, or more than the
 * server gives a transaction, fails as what cannot be stored does: as the fault of its operation. What asks nothing is
 * never given up for being slow; nor is, over bolt, what did not come to asking. Where no transaction can be held, a wait for
 * locks cannot be told from the question's own time.
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
    asks = false;
    try {
      await transact(request, watched);
    } catch (error) {
      if (!asks || request.ledger.length > 1 || !isTooMuch(error, performance.now() - begunMs)) throw error;
      late += 1;
      // A guard is tried again; and should an attempt stand after all, a question has changed nothing.
      if (late < LATE_MAX) throw new GraphFailure("guard", `a question took too long: ${error.message}`, error);
      throw new GraphFailure("statement", `a question took too long ${late} times`, error);
    }
  };
}

function isTooMuch(error: unknown, tookMs: number): error is GraphFailure {
  return isLate(error, tookMs) || (error instanceof GraphFailure && error.kind === "too_large");
}
