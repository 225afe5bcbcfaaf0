// How much of what is stored is held at a time. Counts alone bound nothing: an entity's state may be larger than most
// batches. Sizes are in characters of the stored text, at most four bytes each.
import { AppError } from "../../domain/errors.ts";

/** Of states that a transaction loads, and of answers that it writes; more is divided where that can be. */
export const HELD_MAX = 8 * 1_048_576;

/** Of rows that an answer or a page holds: the first ones, up to and with the one that makes them so many. */
export const SHOWN_MAX = 4 * 1_048_576;

/** Takes note of what a transaction holds; throws AppError `graph_unavailable` where it is too much and can be divided. */
export function createRoom(divisible = false): (size: number) => void {
  let held = 0;
  return (size) => {
    held += size;
    if (!divisible || held <= HELD_MAX) return;
    throw new AppError("graph_unavailable", "What these operations are about is too much for one transaction", {
      divisible: true,
    });
  };
}

/** How many of the rows of these sizes an answer or a page holds. */
export function countShown(sizes: readonly number[]): number {
  let before = 0;
  const end = sizes.findIndex((size) => {
    before += size;
    return before >= SHOWN_MAX;
  });
  return end < 0 ? sizes.length : end + 1;
}
