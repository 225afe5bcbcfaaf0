// What the HTTP layer translates to and from: the use cases, and the limits of what it takes.
import type { Accept } from "../app/accept.ts";
import type { Check } from "../app/check.ts";
import type { Health } from "../app/health.ts";
import type { Log } from "../app/log.ts";
import type { Metrics } from "../app/metrics.ts";
import type { Neighbourhood } from "../app/neighbourhood.ts";
import type { DeadLetters } from "../app/parked.ts";
import type { Queries } from "../app/queries.ts";
import type { Reads } from "../app/reads.ts";
import type { TickReport } from "../app/tick.ts";
import type { Principal } from "../domain/principal.ts";
import type { Flow } from "../flows/define.ts";
import type { Clock, Delay } from "../ports/clock.ts";

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
  readonly queries: Queries;
  readonly deadLetters: DeadLetters;
  readonly neighbourhood: (of: { kind: string; id: string; tenant: string; depth: number }) => Promise<Neighbourhood>;
  readonly clock: Clock;
  readonly delay: Delay;
  readonly check: () => Promise<Check>;
  readonly dump: (registers: boolean) => AsyncIterable<string>;
  /** One tick of the default budget that does not wait. */
  readonly tick: () => Promise<TickReport>;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly limits: Limits;
  /** False in a process that only consumes: it takes no operations. */
  readonly accepts: boolean;
  /** Undefined in a service without keys: it is everybody's. */
  readonly keyring: Keyring | undefined;
  /** Origins whose pages may call the service from a browser; `*` is any, none switches CORS off. */
  readonly corsOrigins: readonly string[];
  /** Aborts when the process is to end: event streams end, and clients come back elsewhere. */
  readonly stopping?: AbortSignal;
  /** Told of each look of an event stream that begins: what it looks at has to stay open until it has ended. */
  readonly onLook?: (look: Promise<unknown>) => void;
  /** A file of the API page; a platform without files has none. */
  readonly asset?: (name: string) => Promise<Asset | undefined>;
}

export interface Asset {
  readonly body: Uint8Array;
  readonly type: string;
}

/** Whose key this is; undefined when it is nobody's. */
export type Keyring = (key: string) => Principal | undefined;
