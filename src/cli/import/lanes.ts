// Batches on several lanes at once. A lane has one request in flight, so what stays on one lane keeps its order.
import type { Item } from "./item.ts";

export interface LanesOptions {
  readonly count: number;
  readonly batchItemsMax: number;
  /** Characters of a batch; one item may be larger. */
  readonly batchCharactersMax: number;
  /** Sends a batch; rejects when the import has to end. */
  readonly send: (batch: readonly Item[]) => Promise<void>;
}

/** Takes items, bounded: a lane holds two batches beside the one in flight. */
export interface Lanes {
  /** Puts items on the emptiest lane, all on the same one, in order. Waits for room; rejects when a send has. */
  put(items: readonly Item[]): Promise<void>;
  /** Sends what is left and waits for everything. */
  finish(): Promise<void>;
  /** Sends nothing more, and waits for what is in flight. */
  end(): Promise<void>;
  /** The least number of an item that is not settled yet; `otherwise` when all are. */
  leastOpen(otherwise: number): number;
}

interface Lane {
  readonly waiting: Item[];
  flight: readonly Item[];
  running: Promise<void> | undefined;
}

export function createLanes({ count, batchItemsMax, batchCharactersMax, send }: LanesOptions): Lanes {
  const lanes = Array.from({ length: count }, (): Lane => ({ waiting: [], flight: [], running: undefined }));
  let failed: { readonly error: unknown } | undefined;
  let finishing = false;
  let ended = false;
  const waitingMax = 2 * batchItemsMax;

  const takeBatch = ({ waiting }: Lane): Item[] => {
    let characters = 0;
    let items = 0;
    while (items < Math.min(batchItemsMax, waiting.length)) {
      characters += waiting[items]!.text.length;
      if (items > 0 && characters > batchCharactersMax) break;
      items++;
    }
    return waiting.splice(0, items);
  };
  const wake = (lane: Lane): void => {
    const enough = lane.waiting.length >= (finishing ? 1 : batchItemsMax);
    if (lane.running !== undefined || failed !== undefined || ended || !enough) return;
    lane.flight = takeBatch(lane);
    const flight = send(lane.flight).then(
      () => {
        lane.flight = [];
      },
      (error: unknown) => {
        failed ??= { error };
      },
    );
    lane.running = flight.then(() => {
      lane.running = undefined;
      wake(lane);
    });
  };
  const assertSound = (): void => {
    if (failed !== undefined) throw failed.error;
  };
  const load = (lane: Lane): number => lane.waiting.length + lane.flight.length;

  return {
    async put(items) {
      const lane = lanes.reduce((least, candidate) => (load(candidate) < load(least) ? candidate : least));
      for (const item of items) {
        lane.waiting.push(item);
        if (lane.waiting.length < batchItemsMax) continue;
        wake(lane);
        while (lane.waiting.length >= waitingMax && lane.running !== undefined) await lane.running;
        assertSound();
      }
    },
    async finish() {
      finishing = true;
      for (const lane of lanes) {
        wake(lane);
        while (lane.running !== undefined) await lane.running;
      }
      assertSound();
    },
    async end() {
      ended = true;
      await Promise.all(lanes.map(({ running }) => running));
    },
    leastOpen(otherwise) {
      return Math.min(otherwise, ...lanes.map((lane) => (lane.flight[0] ?? lane.waiting[0])?.ordinal ?? otherwise));
    },
  };
}
