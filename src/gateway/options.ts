// Limits of the gateway with their defaults: every request and every answer is bounded.
import type { Credentials } from "./credentials.ts";
import type { Retention } from "./log.ts";

/** Limits of one gateway. */
export interface GatewayLimits {
  /** Bytes of a request body. */
  readonly bodyBytesMax: number;
  /** Bytes of one record's key, value and headers; Kafka's max.message.bytes. */
  readonly recordBytesMax: number;
  /** Records of one produce request. */
  readonly produceRecordsMax: number;
  /** Bytes of keys, values and headers in one read; larger requests are held to it. */
  readonly readBytesMax: number;
  /** Records in one read; larger requests are held to it. */
  readonly readRecordsMax: number;
  /** Partitions of one read. */
  readonly readPartitionsMax: number;
  /** How long a read may wait; longer requests are held to it. */
  readonly waitMsMax: number;
  /** Consumer instances over all groups. */
  readonly consumersMax: number;
  /** How long an instance may be unused before it is gone. */
  readonly consumerIdleMs: number;
  /** Partitions of a topic made without a number. */
  readonly partitionsDefault: number;
  /** Partitions of one topic. */
  readonly partitionsMax: number;
}

/** Limits, and what `GET /topics/{topic}` says about retention; `startRetention` applies it. */
export interface GatewayOptions extends Partial<GatewayLimits> {
  readonly retention?: Retention;
  /** Who may use the gateway; absent asks nobody. */
  readonly credentials?: Credentials | undefined;
  /** Wall clock in milliseconds, for records without a timestamp. Default Date.now. */
  readonly nowMs?: () => number;
  /** Told when the log failed; the client is only told that it did. */
  readonly onError?: (error: unknown) => void;
}

const MIB = 1024 * 1024;

/** The defaults. */
export const GATEWAY_LIMITS: GatewayLimits = {
  bodyBytesMax: 16 * MIB,
  recordBytesMax: 1_048_588,
  produceRecordsMax: 5_000,
  readBytesMax: 8 * MIB,
  readRecordsMax: 10_000,
  readPartitionsMax: 1_000,
  waitMsMax: 30_000,
  consumersMax: 1_000,
  consumerIdleMs: 300_000,
  partitionsDefault: 3,
  partitionsMax: 256,
};
