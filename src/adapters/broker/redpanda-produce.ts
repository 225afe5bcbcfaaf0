// What Redpanda's proxy answers to a produce: it makes one batch for each partition, and says of each batch how it went, in
// any order. READ IN SOURCE (src/v/kafka/client, src/v/pandaproxy/json/requests/produce.h), never run here.
import type { ProduceResult } from "../../ports/broker.ts";
import { type EntryReader, entryResult, otherNumber, type ProduceBounds } from "./rest-v2-produce.ts";

/** A batch beyond `kafka_batch_max_bytes`, by default 1 MiB, is refused as a whole, though each of its records is small. */
export const REDPANDA_BOUNDS: ProduceBounds = { recordsMax: 1_000, bytesMax: 1_000_000 };

/** Results where there is an entry for each partition, and none says which records are its own. */
export const resultsByPartition: EntryReader = (entries, count) => {
  const [first, ...others] = entries.map(entryResult);
  if (first === undefined || entries.length > count) return otherNumber(entries, count);
  const all = (result: ProduceResult) => Array.from({ length: count }, () => result);
  if (others.some(({ status }) => status !== first.status)) {
    return all({ status: "unknown", reason: "proxy answered differently for the partitions of the records" });
  }
  if (first.status !== "ok") return all(first);
  if (others.length > 0) return all({ status: "ok", partition: null, offset: null });
  // Records of a batch lie one after another.
  const { partition, offset } = first;
  return Array.from({ length: count }, (_, i) => ({ status: "ok", partition, offset: offset! + i }));
};
