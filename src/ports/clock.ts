// Time, randomness and secrets, so that the layers inside never reach for a global.
import type { Mac } from "../domain/operation-id.ts";

/** Wall clock of this process, milliseconds since 1970. */
export interface Clock {
  nowMs(): number;
}

/** Resolves after so many milliseconds. */
export type Delay = (ms: number) => Promise<void>;

/** Random and keyed functions a runtime supplies. All are synchronous and never fail. */
export interface Entropy {
  /** `digits` random lower-case hex digits of cryptographic quality. */
  hex(digits: number): string;
  /** SHA-256 of a text in base64url. */
  hash(text: string): string;
  /** MACs under the current secret first, then the previous one if there is one. */
  readonly macs: readonly [Mac, ...Mac[]];
}
