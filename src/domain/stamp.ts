// Stamps are hybrid logical clock readings: one string whose code-unit order is the order of operations.

/** `pppppppppppp-cccc-nnnnnnnnnnnnnnnn`: physical milliseconds, counter and random node, each in lower-case hex. */
export type Stamp = string;

/** How far a stamp we did not mint may lie ahead of our clock (core-proof #27). */
export const STAMP_AHEAD_MS_MAX = 60_000;

const STAMP = /^[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{16}$/;
const COUNTER_MAX = 0xffff;

let lastMs = 0;
let lastHex = "000000000000";

/** A time as the 12 hex digits that stamps and ids begin with. Those of one millisecond share their text. */
export function hexTime(ms: number): string {
  if (ms !== lastMs) {
    lastHex = ms.toString(16).padStart(12, "0");
    lastMs = ms;
  }
  return lastHex;
}

/** Joins the parts of a stamp. `node` is 16 hex digits. */
export function formatStamp(ms: number, counter: number, node: string): Stamp {
  return `${hexTime(ms)}-${counter.toString(16).padStart(4, "0")}-${node}`;
}

/** Whether the text has the shape of a stamp. */
export function isStamp(text: string): boolean {
  return STAMP.test(text);
}

/** The physical part, in milliseconds since 1970. */
export function stampMs(stamp: Stamp): number {
  return Number.parseInt(stamp.slice(0, 12), 16);
}

/** The stamp of a version (`stamp|operation id`). */
export function stampOfVersion(version: string): Stamp {
  return version.slice(0, version.indexOf("|"));
}

/** Whether a stamp lies further ahead of `nowMs` than a stranger's may. */
export function isAhead(stamp: Stamp, nowMs: number): boolean {
  return stampMs(stamp) > nowMs + STAMP_AHEAD_MS_MAX;
}

/** Mints stamps; each is greater than every one it minted or observed before, whatever the wall clock does. */
export interface StampClock {
  /** A new stamp, greater than `after` when that is given. The caller has checked that `after` is not ahead. */
  next(after?: Stamp): Stamp;
  /** Takes note of a stamp that our own service minted elsewhere. */
  observe(stamp: Stamp): void;
}

/** A stamp clock over a wall clock. `node` must carry at least 64 random bits per isolate (core-proof #3). */
export function createStampClock(nowMs: () => number, node: string): StampClock {
  let lastMs = 0;
  let counter = 0;
  const raise = (ms: number, count: number): void => {
    if (ms > lastMs || (ms === lastMs && count > counter)) {
      lastMs = ms;
      counter = count;
    }
  };
  const observe = (stamp: Stamp): void => raise(stampMs(stamp), Number.parseInt(stamp.slice(13, 17), 16));
  return {
    observe,
    next(after) {
      if (after !== undefined) observe(after);
      const now = nowMs();
      if (now > lastMs) {
        lastMs = now;
        counter = 0;
      } else if (counter >= COUNTER_MAX) {
        lastMs += 1;
        counter = 0;
      } else {
        counter += 1;
      }
      return formatStamp(lastMs, counter, node);
    },
  };
}
