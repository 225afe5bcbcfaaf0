// Appends of the Upstash REST API: it has one answer for all messages, and the package sends all of them again after an
// error. So nothing is appended of a request that cannot be as a whole, as far as that can be told before.
import { type Log, LogError, type LogTopic } from "../log.ts";
import type { GatewayLimits } from "../options.ts";
import { produce, type RecordError, recordFault } from "../produce.ts";
import { REST_ERRORS, RestError, type RestErrorKind } from "../rest-error.ts";
import type { Message } from "./bodies.ts";

/** Messages of one topic. */
interface Part {
  readonly topic: LogTopic;
  readonly indices: readonly number[];
}

/**
 * Appends messages of any topics and answers where each went. Throws RestError: `log_unknown` where some are written,
 * any other where none is.
 */
export async function appendAll(log: Log, limits: GatewayLimits, messages: readonly Message[]): Promise<object[]> {
  if (messages.length > limits.produceRecordsMax) {
    throw new RestError("too_large", "The request has too many messages");
  }
  const parts = await partsOf(log, messages);
  for (const { topic, indices } of parts) {
    for (const i of indices) {
      const fault = recordFault(messages[i]!.record, topic, limits.recordBytesMax);
      if (fault !== undefined) throw errorOf(fault);
    }
  }
  const results = new Array<object>(messages.length);
  let written = 0;
  const failed = (error: RestError | LogError): Error => {
    if (written === 0) return error;
    return new RestError("log_unknown", `${written} of ${messages.length} messages are written; ${error.message}`);
  };
  for (const { topic, indices } of parts) {
    const records = indices.map((i) => messages[i]!.record);
    const { offsets } = await produce(log, topic, records, limits.recordBytesMax).catch((error: unknown) => {
      throw error instanceof RestError || error instanceof LogError ? failed(error) : error;
    });
    const faults: RecordError[] = [];
    for (const [at, entry] of offsets.entries()) {
      if ("error_code" in entry) faults.push(entry);
      else {
        results[indices[at]!] = { topic: topic.name, ...entry, timestamp: records[at]!.timestampMs };
        written++;
      }
    }
    // One that may be written speaks for those that are not.
    const fault = faults.find(({ error_code }) => error_code === REST_ERRORS.log_unknown.code) ?? faults[0];
    if (fault !== undefined) throw failed(errorOf(fault));
  }
  return results;
}

async function partsOf(log: Log, messages: readonly Message[]): Promise<Part[]> {
  const byTopic = Map.groupBy(messages.keys(), (i) => messages[i]!.topic);
  const parts: Part[] = [];
  for (const [name, indices] of byTopic) {
    const topic = await log.topic(name);
    if (topic === undefined) throw new RestError("topic_unknown", `Topic ${name} not found`);
    parts.push({ topic, indices });
  }
  return parts;
}

function errorOf({ error_code, error }: RecordError): RestError {
  const kinds = Object.keys(REST_ERRORS) as RestErrorKind[];
  return new RestError(kinds.find((kind) => REST_ERRORS[kind].code === error_code) ?? "log_failed", error);
}
