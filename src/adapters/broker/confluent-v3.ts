// Confluent's REST Proxy with v3 produce, which reports every record, and v2 for reading: v3 has no consume.
import type { Broker, ProduceRecord, ProduceResult } from "../../ports/broker.ts";
import { textToBase64 } from "./base64.ts";
import { CONFLUENT_INSTANCES } from "./confluent.ts";
import type { OpenDialect } from "./dialect.ts";
import { instanceBroker } from "./instance-broker.ts";
import { complaint, fieldsOf, isCount } from "./proxy-answer.ts";
import { type ProxyAnswer, type ProxyCall, proxyCaller } from "./proxy-call.ts";
import { ANSWER_BYTES_MAX, PRODUCE_BOUNDS, produceByTopic, TOO_LARGE } from "./rest-v2.ts";
import {
  type Chunk,
  chunksByTopic,
  isTooLarge,
  type ProduceFormat,
  produceResults,
  statusSaid,
} from "./rest-v2-produce.ts";

const JSON_TYPE = "application/json";
/** Entries that `records:batch` takes in one request unless its operator says otherwise. */
const BATCH_ENTRIES_MAX = 10;
const UNKNOWN_TOPIC = 40403;
const OK = 200;

/** Opens the dialect `confluent-v3`. */
export const confluentV3: OpenDialect = (options) => {
  const call = proxyCaller({ ...options, answerBytesMax: ANSWER_BYTES_MAX });
  return { ...instanceBroker(options, CONFLUENT_INSTANCES), produce: v3Produce(call) };
};

/** One object after the other, which is what the stream of v3 takes. */
const STREAM: ProduceFormat = {
  record: ({ key, value }: ProduceRecord) =>
    `{"key":{"type":"BINARY","data":"${textToBase64(key)}"},"value":{"type":"BINARY","data":"${textToBase64(value)}"}}`,
  body: (records) => records.join("\n"),
};

/** Few records go as a batch, whose entries have names; many as a stream, whose reports come in the order of the records. */
function v3Produce(call: ProxyCall): Broker["produce"] {
  const findCluster = clusterFinder(call);
  let hasBatch = true;
  return async (records, signal) => {
    if (records.length === 0) return [];
    const cluster = await findCluster(signal);
    if (typeof cluster !== "string") return records.map(() => cluster);
    const chunks = chunksByTopic(records, PRODUCE_BOUNDS, STREAM);
    return produceByTopic(chunks, records.length, async (topic, chunk) => {
      const count = chunk.indices.length;
      const path = `/v3/clusters/${encodeURIComponent(cluster)}/topics/${encodeURIComponent(topic)}/records`;
      const request = { method: "POST", path, contentType: JSON_TYPE, accept: JSON_TYPE, signal } as const;
      if (hasBatch && count <= BATCH_ENTRIES_MAX) {
        const answer = await call({ ...request, path: `${path}:batch`, body: batchBody(chunk) });
        if (isTooLarge(answer, count)) return TOO_LARGE;
        if (!isNoBatch(answer)) return batchResults(answer, count);
        // An older proxy, which has refused the whole of it.
        hasBatch = false;
      }
      const answer = await call({ ...request, body: chunk.body, parse: parseReports });
      return isTooLarge(answer, count) ? TOO_LARGE : streamResults(answer, count);
    });
  };
}

/** Asks once for the cluster that the paths name; what becomes of records that cannot be sent without it. */
function clusterFinder(call: ProxyCall): (signal?: AbortSignal) => Promise<string | ProduceResult> {
  let known: string | undefined;
  return async (signal) => {
    if (known !== undefined) return known;
    const answer = await call({ method: "GET", path: "/v3/clusters", accept: JSON_TYPE, signal });
    // Nothing was produced yet, so nothing is unknown.
    if (answer.kind !== "answered") return { status: "retryable", reason: answer.reason };
    const { data } = fieldsOf(answer.body);
    const id = Array.isArray(data) ? fieldsOf(data[0]).cluster_id : undefined;
    if (answer.status === OK && typeof id === "string") {
      known = id;
      return id;
    }
    const reason = `proxy answered ${answer.status} to GET /v3/clusters${complaint(answer.body) || " without a cluster"}`;
    const isRefused = answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429;
    return { status: isRefused ? "fatal" : "retryable", reason };
  };
}

function batchBody({ body }: Chunk): string {
  const entries = body.split("\n").map((record, i) => `{"id":"${i}",${record.slice(1)}`);
  return `{"entries":[${entries.join(",")}]}`;
}

/** Whether there is no such resource; an unknown topic answers 404 as well, with a code of its own. */
function isNoBatch(answer: ProxyAnswer): boolean {
  if (answer.kind !== "answered") return false;
  return answer.status === 405 || (answer.status === 404 && fieldsOf(answer.body).error_code !== UNKNOWN_TOPIC);
}

function batchResults(answer: ProxyAnswer, count: number): ProduceResult[] {
  if (answer.kind !== "answered" || answer.status < 200 || answer.status > 299) return produceResults(answer, count);
  const { successes, failures } = fieldsOf(answer.body);
  const reports = new Map<unknown, unknown>();
  for (const list of [successes, failures]) {
    for (const report of Array.isArray(list) ? list : []) reports.set(fieldsOf(report).id, report);
  }
  return Array.from({ length: count }, (_, i) => reportResult(reports.get(String(i))));
}

/** Reports of a stream come in the order of the records; where one is missing nobody knows (case 9). */
function streamResults(answer: ProxyAnswer, count: number): ProduceResult[] {
  if (answer.kind !== "answered" || answer.status < 200 || answer.status > 299) {
    return produceResults(answer.kind === "answered" ? { ...answer, body: firstOf(answer.body) } : answer, count);
  }
  const reports = Array.isArray(answer.body) ? answer.body : [];
  if (reports.length > count) {
    // The stream itself failed, and which of the reports says so cannot be told.
    const reason = `proxy answered ${reports.length} results for ${count} records`;
    return Array.from({ length: count }, () => ({ status: "unknown", reason }));
  }
  return Array.from({ length: count }, (_, i) => reportResult(reports[i]));
}

function firstOf(body: unknown): unknown {
  return Array.isArray(body) ? body[0] : body;
}

function reportResult(report: unknown): ProduceResult {
  if (report === undefined) return { status: "unknown", reason: "proxy reported nothing about the record" };
  const { error_code: code, message, partition_id: partition, offset } = fieldsOf(report);
  if (code === OK || code === undefined || code === null) {
    if (isCount(partition) && isCount(offset)) return { status: "ok", partition, offset };
    return { status: "unknown", reason: "proxy answered no offset for the record" };
  }
  const reason = `proxy answered ${String(code)} for the record${complaint({ message })}`;
  // 404 and 40403 alike begin with the HTTP status that they mean.
  const status = Number(String(code).slice(0, 3));
  if (status === 429) return { status: "retryable", reason };
  if (status >= 400 && status < 500 && status !== 408) return { status: "fatal", reason };
  return { status: typeof message === "string" ? statusSaid(message) : "unknown", reason };
}

/** Objects one after the other, as far as they are whole. */
export function parseReports(text: string): unknown[] {
  const reports: unknown[] = [];
  let [depth, start, isText] = [0, 0, false];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (isText) {
      if (char === "\\") i++;
      else if (char === '"') isText = false;
    } else if (char === '"') isText = true;
    else if (char === "{" || char === "[") {
      if (depth++ === 0) start = i;
    } else if (char === "}" || char === "]") {
      if (--depth > 0) continue;
      try {
        reports.push(JSON.parse(text.slice(start, i + 1)));
      } catch {
        return reports;
      }
      depth = 0;
    }
  }
  return reports;
}
