// Partitions and offsets as requests name them, in whichever dialect.
import * as z from "zod";
import type { TopicPartition } from "./log.ts";
import { RestError } from "./rest-error.ts";

/** What a topic can be called. https://kafka.apache.org/documentation/#topicconfigs */
export const TOPIC_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

export const topicName = z.string().regex(TOPIC_NAME, "has 1 to 249 of A-Z a-z 0-9 . _ -");

/** A partition; neither it nor its topic need exist. */
export const place = z.object({ topic: topicName, partition: z.int().min(0) });

/** An offset whose next one, which is what a group keeps, is a number that loses no digits. */
export const offset = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER - 1);

/** Throws RestError `invalid` for a partition that is named twice: Kafka answers it once, and not for which of both. */
export function demandDistinct(places: readonly TopicPartition[]): void {
  const names = new Set<string>();
  for (const { topic, partition } of places) {
    const name = `${topic}/${partition}`;
    if (names.has(name)) throw new RestError("invalid", `Invalid request: partition ${name} is named twice`);
    names.add(name);
  }
}
