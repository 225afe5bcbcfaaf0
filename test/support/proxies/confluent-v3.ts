// Confluent's v3 produce beside its v2: READ IN SOURCE (ProduceAction, ProduceBatchAction, StreamingResponse), never run.
import { confluentProxy } from "./confluent.ts";
import { parseStream } from "./json-stream.ts";
import { fromBase64, type V2Proxy } from "./v2.ts";

const BATCH_ENTRIES_MAX = 10;
const RECORD_BYTES_MAX = 1_048_576;

interface V3Record {
  readonly id?: string;
  readonly key?: { readonly data?: string };
  readonly value?: { readonly data?: string };
  readonly partition_id?: number;
}

/** What can go wrong with a stream of reports. */
export interface V3Faults {
  /** So many reports, then the end. */
  reports: number | undefined;
  /** One report more than records. */
  extraReport: boolean;
  /** After the reports the connection breaks. */
  breaks: boolean;
}

/** A proxy with these topics; an old one has no `records:batch`. */
export function confluentV3Proxy(
  topics: Readonly<Record<string, number>>,
  { hasBatch }: { hasBatch: boolean } = { hasBatch: true },
): V2Proxy & { readonly v3: V3Faults } {
  const proxy = confluentProxy(topics);
  const { app, log, faults } = proxy;
  const v3: V3Faults = { reports: undefined, extraReport: false, breaks: false };
  const error = (status: number, error_code: number, message: string): Response =>
    Response.json({ error_code, message }, { status });
  app.get("/v3/clusters", () => Response.json({ kind: "KafkaClusterList", data: [{ cluster_id: "cluster-1" }] }));
  const report = (topic: string, record: V3Record) => {
    const bytes = { key: fromBase64(record.key?.data), value: fromBase64(record.value?.data) };
    if ((bytes.value?.byteLength ?? 0) > RECORD_BYTES_MAX) return { error_code: 413, message: "RecordTooLarge" };
    const appended = log.append(topic, { partition: record.partition_id, ...bytes });
    if (appended === undefined) return { error_code: 40402, message: "Partition not found." };
    if (faults.expiresButWrites) return { error_code: 50003, message: "Expiring 1 record(s)" };
    return {
      error_code: 200,
      cluster_id: "cluster-1",
      topic_name: topic,
      partition_id: appended.partition,
      ...appended,
    };
  };
  app.post("/v3/clusters/:cluster/topics/:topic/:records", async (c) => {
    const { topic, records: kind } = c.req.param();
    if (c.req.param("cluster") !== "cluster-1") return error(404, 40401, "Cluster not found");
    if (kind === "records:batch" && !hasBatch) return error(404, 404, "HTTP 404 Not Found");
    if (log.partitions(topic) === undefined) {
      return error(404, 40403, "This server does not host this topic-partition.");
    }
    if (kind === "records:batch") {
      const { entries } = (await c.req.json()) as { entries: V3Record[] };
      if (entries.length > BATCH_ENTRIES_MAX) return error(422, 42208, "Too many entries");
      const reports = entries.map((entry) => ({ ...report(topic, entry), id: entry.id }));
      const isGood = ({ error_code }: { error_code: number }): boolean => error_code === 200;
      return Response.json(
        { successes: reports.filter(isGood), failures: reports.filter((each) => !isGood(each)).toReversed() },
        { status: 207 },
      );
    }
    const records = parseStream(await c.req.text()) as V3Record[];
    const reports: object[] = records.map((record) => report(topic, record));
    if (v3.extraReport) reports.push({ error_code: 400, message: "the stream broke" });
    const text = reports
      .slice(0, v3.reports ?? reports.length)
      .map((each) => JSON.stringify(each))
      .join("");
    if (!v3.breaks) return new Response(text, { headers: { "content-type": "application/json" } });
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`${text}{"error_co`));
      },
      pull: (controller) => controller.error(new Error("the connection breaks")),
    });
    return new Response(stream);
  });
  return { ...proxy, v3 };
}
