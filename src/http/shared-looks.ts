// What streams of all operations see, looked up once for all that stand at one place: a stream costs little more than its
// connection, however many there are.
import type { Reads } from "../app/reads.ts";
import type { Clock } from "../ports/clock.ts";

/** Operations as text of a stream that ends with the place behind them, and whether there is more to look at there. */
export interface Look {
  readonly text: string;
  readonly cursor: string;
  readonly more: boolean;
}

/** A place as a block of its own: clients come back to it, and are told nothing. */
export function placeBlock(cursor: string): string {
  return `id: ${cursor}\n\n`;
}

const PAGE = 100;
/** Pages that are kept for streams that come by later. */
const LOOKS_MAX = 64;
/** A look that found nothing is good for others as long as that. */
const NOTHING_MS = 100;
/** What was found stays true but for which of it is current; whoever meets it goes on from the same place as the others. */
const FOUND_MS = 2_000;

/** Makes the function that looks behind a place of a tenant; throws what `operationsAfter` throws. */
export function createLooks(
  { reads, clock }: { readonly reads: Reads; readonly clock: Clock },
  write: (item: { status: object; cursor: string }) => string,
): (cursor: string, tenant: string) => Promise<Look> {
  const kept = new Map<string, { readonly look: Promise<Look>; untilMs: number }>();
  const lookUp = async (cursor: string, tenant: string): Promise<Look> => {
    const { items, cursor: next, more } = await reads.operationsAfter(cursor, PAGE, tenant);
    const isTold = items.length === 0 || items.at(-1)?.cursor === next;
    return { text: items.map(write).join("") + (isTold ? "" : placeBlock(next)), cursor: next, more };
  };
  return (cursor, tenant) => {
    const key = JSON.stringify([tenant, cursor]);
    const known = kept.get(key);
    if (known !== undefined && clock.nowMs() < known.untilMs) return known.look;
    const look = lookUp(cursor, tenant);
    const entry = { look, untilMs: Number.POSITIVE_INFINITY };
    kept.delete(key);
    kept.set(key, entry);
    if (kept.size > LOOKS_MAX) kept.delete(kept.keys().next().value!);
    const forget = (): void => {
      if (kept.get(key) === entry) kept.delete(key);
    };
    look.then(({ text, cursor: next }) => {
      entry.untilMs = clock.nowMs() + (text === "" && next === cursor ? NOTHING_MS : FOUND_MS);
    }, forget);
    return look;
  };
}
