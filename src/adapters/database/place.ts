// Places in lists, as cursors carry them.
import { AppError } from "../../domain/errors.ts";
import { LAST } from "../../sql/sql.ts";

/** The place that a cursor names, `start` for an empty one; throws AppError `invalid_input` for a place of another list. */
export function readPlace<Place extends readonly (string | number)[]>(cursor: string, start: Place): Place {
  if (cursor === "") return start;
  const place = JSON.parse(cursor) as Place;
  if (place.length === start.length && place.every((part, i) => typeof part === typeof start[i])) return place;
  throw new AppError("invalid_input", "The cursor belongs to another list", {
    faults: [{ pointer: "#/cursor", detail: "Not a cursor of this list" }],
  });
}

/**
 * The cursor of a tenant's list of ledger rows behind the last row that was looked at, whoever owns it. Another's key would
 * tell the tenant who it is and what it does: instead of it stands a bound that is as far with the tenant's own keys, or
 * behind the whole millisecond when none of them is to come there.
 */
export function tenantCursor(prefix: string, [atMs, key]: [number, string], order: "ascending" | "descending"): string {
  if (key.startsWith(prefix)) return JSON.stringify([atMs, key]);
  const isAbove = key > prefix;
  if (order === "ascending") return JSON.stringify([atMs, isAbove ? LAST : prefix]);
  return JSON.stringify([atMs, isAbove ? prefix + LAST : ""]);
}
