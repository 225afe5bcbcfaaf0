// What every dialect is made from. One dialect is one file that exports an `OpenDialect`, and its line in
// src/runtime/dialects.ts.
import type { Broker } from "../../ports/broker.ts";
import type { Fetch } from "./proxy-call.ts";

/** How long a read may take where nobody says. */
export const READ_MS = 10_000;

/** Where a proxy is, and how it is spoken to. */
export interface DialectOptions {
  /** Address of the proxy, with a path prefix if it has one. */
  readonly url: string;
  /** Names the cluster in position keys. */
  readonly cluster: string;
  /** How requests are sent. */
  readonly fetch: Fetch;
  /** Sent with every request: the authorisation. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For packages that make their own authorisation. */
  readonly basic?: { readonly username: string; readonly password: string } | undefined;
  /** Partitions of each topic, for dialects that do not list them. */
  readonly partitions: number;
  /** Consumer group whose positions are reported; undefined reports none. */
  readonly reportGroup?: string | undefined;
  /** Origins beside the proxy's own that its answers may send us to. */
  readonly origins?: readonly string[];
  /** How long a read may take beyond its wait; what a partition may take is a part of it. Default READ_MS. */
  readonly readMs?: number;
  /** Told of each request that goes out by another way than `fetch`. */
  readonly onRequest?: (() => void) | undefined;
  /** Told why a partition could not be read while others were: the read itself does not fail then. */
  readonly onFailed?: ((error: unknown) => void) | undefined;
}

/** Makes a broker; nothing is sent before one of its methods is called. */
export type OpenDialect = (options: DialectOptions) => Broker;
