// What a key is shown of operations: what the tenant has only where it may read.
import type { Answer } from "../app/answer.ts";
import type { OperationStatus } from "../app/reads.ts";
import { allows, type Principal } from "../domain/principal.ts";

/**
 * The answer to an operation as its sender may see it. The entity as it stands and what a query found may hold what others
 * have sent; a key that was given the query by its name was given it to see what it finds.
 */
export function shownAnswer<One extends Answer>(answer: One, principal: Principal): One {
  if ("problem" in answer || allows(principal, "read")) return answer;
  const { values: _, result, ...rest } = answer;
  const isOwn = result !== undefined && principal.scopes.has(`${answer.flow}:${answer.type}`);
  return (isOwn ? { ...rest, result } : rest) as One;
}

/** What became of an operation as the key may see it: whoever sent it, without what a query found unless it may read. */
export function shownStatus(status: OperationStatus | null, principal: Principal): OperationStatus | null {
  if (status === null || status.result === undefined || allows(principal, "read")) return status;
  const { result: _, ...rest } = status;
  return rest;
}
