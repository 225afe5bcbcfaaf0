// `?after=`: a read that waits until an operation is applied, so that clients read what they wrote.
import type { Context } from "hono";
import { AppError } from "../domain/errors.ts";
import { readPrefer } from "./prefer.ts";
import type { Service } from "./service.ts";

const WAIT_SECONDS = 5;

/**
 * Waits for the operation whose id `?after=` names, `Prefer: wait` seconds or five. Throws AppError `invalid_input` for an id that
 * this service never gave out, `not_yet_applied` when it takes longer.
 */
export async function awaitAfter(c: Context, { reads }: Service, tenant: string): Promise<void> {
  const id = c.req.query("after");
  if (id === undefined) return;
  const { wait = WAIT_SECONDS } = readPrefer(c.req.header("prefer"));
  const [status] = await reads.settled([id], tenant, wait * 1_000);
  if (status === null || status === undefined) {
    const detail = "after is the id of an operation that this service accepted";
    throw new AppError("invalid_input", detail, { faults: [{ pointer: "#/after", detail }] });
  }
  if (status.state !== "pending") return;
  throw new AppError("not_yet_applied", `Operation ${id} was not applied within ${wait} s`, { retryAfterMs: 1_000 });
}
