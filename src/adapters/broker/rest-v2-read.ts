// The stateless read of many partitions: its request, and the check of everything the answer holds.
import type { PartitionRead, ReadBudget, ReadFrom, ReadRecord } from "../../ports/broker.ts";
import { base64ToBytes } from "./base64.ts";
import type { TellFailed } from "./part-failures.ts";
import { nameOf } from "./place-name.ts";
import { fieldsOf, isCount } from "./proxy-answer.ts";
import type { ProxyRequest } from "./proxy-call.ts";

const TYPE = "application/vnd.kafka.binary.v2+json";
const UNKNOWN_PARTITION = 40402;

const decoder = new TextDecoder();

/** The request that reads. `bytesMax` is what the answer may hold, whatever the budget says. */
export function readRequest(from: readonly ReadFrom[], budget: ReadBudget, bytesMax: number): ProxyRequest {
  const body = JSON.stringify({
    partitions: from.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
    timeout: Math.max(0, Math.floor(budget.waitMs)),
    max_bytes: Math.max(0, Math.min(Math.floor(budget.bytesMax), bytesMax)),
    max_records: Math.max(1, Math.floor(budget.recordsMax)),
  });
  return { method: "POST", path: "/partitions/records", contentType: TYPE, accept: TYPE, body, signal: budget.signal };
}

/**
 * What the body says about the partitions asked for; those the proxy does not know are left out, and nothing is known of
 * those that failed while others did not. Throws an Error that says what is wrong when any of it is not as it should be, or
 * when no partition was read.
 */
export function parseRead(body: unknown, from: readonly ReadFrom[], tell: TellFailed): PartitionRead[] {
  const { partitions } = fieldsOf(body);
  if (!Array.isArray(partitions)) throw new Error("the answer has no partitions");
  const entries = new Map(partitions.map((entry: unknown) => [nameOf(fieldsOf(entry)), fieldsOf(entry)]));
  const reads: PartitionRead[] = [];
  const failed: { readonly at: ReadFrom; readonly error: Error }[] = [];
  for (const { topic, partition, offset } of from) {
    const entry = entries.get(nameOf({ topic, partition }));
    if (entry === undefined) throw new Error(`the answer leaves out ${topic}/${partition}`);
    if (entry.error_code === UNKNOWN_PARTITION) continue;
    const { beginning_offset: begin, end_offset: end, records } = entry;
    if (!isCount(begin) || !isCount(end) || !Array.isArray(records)) {
      const reason = String(entry.message ?? "no reason");
      const error = new Error(`the answer for ${topic}/${partition} is not a read: ${reason}`);
      if (typeof entry.error_code !== "number") throw error;
      failed.push({ at: { topic, partition, offset }, error });
      reads.push({ topic, partition, records: [], begin: null, end: null });
      continue;
    }
    reads.push({ topic, partition, begin, end, records: inOrder(records.map(parseRecord), offset) });
  }
  if (failed.length > 0 && failed.length === reads.length) throw failed[0]!.error;
  for (const { at, error } of failed) tell(at, error);
  return reads;
}

/** Records from an offset on, in order and each once: proxies return whole batches, and the same record twice (kafka-rest#355, #730). */
export function inOrder(records: readonly ReadRecord[], from: number): ReadRecord[] {
  const sorted = records.toSorted((a, b) => a.offset - b.offset);
  return sorted.filter(({ offset }, i) => offset >= from && offset !== sorted[i - 1]?.offset);
}

/** A record of the binary format. Throws an Error that says what is wrong with it. */
export function parseRecord(entry: unknown): ReadRecord {
  const { offset, key, value } = fieldsOf(entry);
  if (!isCount(offset)) throw new Error("a record has no offset");
  const keyBytes = parseBytes(key, offset);
  return { offset, key: keyBytes && decoder.decode(keyBytes), value: parseBytes(value, offset) };
}

function parseBytes(text: unknown, offset: number): Uint8Array | null {
  if (text === null || text === undefined) return null;
  const bytes = typeof text === "string" ? base64ToBytes(text) : undefined;
  if (bytes === undefined) throw new Error(`the record at offset ${offset} is not base64`);
  return bytes;
}
