// Topics and partitions as the proxies describe them. There is one broker, number 1, and it leads everything.
import { z } from "zod";
import type { LogTopic } from "./log.ts";
import type { GatewayLimits, GatewayOptions } from "./options.ts";
import { RestError } from "./rest-error.ts";

/** The one broker. */
export const BROKER_ID = 1;

const TOPIC_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

/** A topic to be made. */
export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
}

/** Parses the body that makes a topic. Throws RestError `invalid`. */
export function parseNewTopic(body: unknown, limits: GatewayLimits): NewTopic {
  const parsed = z
    .object({
      topic_name: z.string().regex(TOPIC_NAME, "A topic name has 1 to 249 of A-Z a-z 0-9 . _ -"),
      partitions_count: z.int().min(1).max(limits.partitionsMax).default(limits.partitionsDefault),
      replication_factor: z.int().min(1).optional(),
    })
    .safeParse(body);
  if (parsed.success) return { name: parsed.data.topic_name, partitions: parsed.data.partitions_count };
  const [issue] = parsed.error.issues;
  throw new RestError("invalid", `Invalid request format: ${issue!.path.join(".")}: ${issue!.message}`);
}

/** One partition. */
export function partitionEntry(partition: number): object {
  return { leader: BROKER_ID, partition, replicas: [{ broker: BROKER_ID, in_sync: true, leader: true }] };
}

/** All partitions of a topic. */
export function partitionEntries(topic: LogTopic): object[] {
  return Array.from({ length: topic.partitions }, (_, partition) => partitionEntry(partition));
}

/** A topic; `topic_id` is ours, the rest is the dialect's. */
export function topicEntry(topic: LogTopic, limits: GatewayLimits, retention: GatewayOptions["retention"]): object {
  return {
    configs: {
      "cleanup.policy": "delete",
      "max.message.bytes": String(limits.recordBytesMax),
      "retention.bytes": String(retention?.partitionBytesMax ?? -1),
      "retention.ms": String(retention?.ageMsMax ?? -1),
    },
    name: topic.name,
    partitions: partitionEntries(topic),
    topic_id: topic.id,
  };
}
