// What the HTTP layer translates to and from: the use cases, and the limits of what it takes.
import type { Accept } from "../app/accept.ts";
import type { Check } from "../app/check.ts";
import type { Health } from "../app/health.ts";
import type { Log } from "../app/log.ts";
import type { Reads } from "../app/reads.ts";
import type { TickReport } from "../app/tick.ts";
import type { Flow } from "../flows/define.ts";

export interface Limits {
  /** One operation. */
  readonly bodyBytesMax: number;
  readonly batchBytesMax: number;
  readonly batchItemsMax: number;
}

export interface Service {
  readonly name: string;
  readonly version: string;
  readonly flows: readonly Flow[];
  readonly accept: Accept;
  readonly reads: Reads;
  readonly check: () => Promise<Check>;
  readonly dump: (registers: boolean) => AsyncIterable<string>;
  /** One tick of the default budget that does not wait. */
  readonly tick: () => Promise<TickReport>;
  readonly health: Health;
  readonly log: Log;
  readonly limits: Limits;
  /** False in a process that only consumes: it takes no operations. */
  readonly accepts: boolean;
}

/** Until credentials exist there is one principal. */
export const TENANT = "default";
