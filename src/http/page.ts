// Pages of lists: `?cursor=` and `?limit=`.
import type { Context } from "hono";
import { AppError } from "../domain/errors.ts";

const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1_000;

/** The page a request asks for; throws AppError `invalid_input`. */
export function pageOf(c: Context): { cursor: string; limit: number } {
  const text = c.req.query("limit") ?? String(LIMIT_DEFAULT);
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return { cursor: c.req.query("cursor") ?? "", limit };
  const detail = `limit is a whole number from 1 to ${LIMIT_MAX}`;
  throw new AppError("invalid_input", detail, { faults: [{ pointer: "#/limit", detail }] });
}
