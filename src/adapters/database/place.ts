// Places in lists, as cursors carry them.
import { AppError } from "../../domain/errors.ts";

/** The place that a cursor names, `start` for an empty one; throws AppError `invalid_input` for a place of another list. */
export function readPlace<Place extends readonly (string | number)[]>(cursor: string, start: Place): Place {
  if (cursor === "") return start;
  const place = JSON.parse(cursor) as Place;
  if (place.length === start.length && place.every((part, i) => typeof part === typeof start[i])) return place;
  throw new AppError("invalid_input", "The cursor belongs to another list", {
    faults: [{ pointer: "#/cursor", detail: "Not a cursor of this list" }],
  });
}
