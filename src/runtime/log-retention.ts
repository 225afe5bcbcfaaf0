// What a configuration says of the embedded log's retention.
import type { Config } from "../config.ts";
import type { Retention } from "../gateway/log.ts";

/** What the configuration keeps; undefined keeps everything. */
export function retentionOf({
  KAFKA_RETENTION_MS,
  KAFKA_RETENTION_BYTES,
}: Pick<Config, "KAFKA_RETENTION_MS" | "KAFKA_RETENTION_BYTES">): Retention | undefined {
  if (KAFKA_RETENTION_MS === 0 && KAFKA_RETENTION_BYTES === 0) return undefined;
  return {
    ...(KAFKA_RETENTION_MS === 0 ? {} : { ageMsMax: KAFKA_RETENTION_MS }),
    ...(KAFKA_RETENTION_BYTES === 0 ? {} : { partitionBytesMax: KAFKA_RETENTION_BYTES }),
  };
}
