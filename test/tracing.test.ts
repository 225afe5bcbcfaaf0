// One trace from the request through the record to the database.
import { type ProxyTracerProvider, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTelemetry, type Telemetry } from "../src/runtime/telemetry.ts";
import { failingDatabase } from "./support/failing-database.ts";
import { type ServiceUnderTest, startService } from "./support/service.ts";
import { refusingProduce } from "./support/ways.ts";

const CREATE = "/v1/chat-messages/create";
const DATA = { id: "m", session: "s", user: "u", content: "hi" };
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CLIENT = "b7ad6b7169203331";
const traced = (flags: string) => ({ traceparent: `00-${TRACE}-${CLIENT}-${flags}` });

let telemetry: Telemetry;
const finished: ReadableSpan[] = [];
beforeAll(() => {
  const exporter: SpanExporter = {
    export(spans, done) {
      finished.push(...spans);
      done({ code: 0 });
    },
    shutdown: async () => undefined,
    forceFlush: async () => undefined,
  };
  telemetry = startTelemetry("0", new BatchSpanProcessor({ exporter }));
});
beforeEach(async () => {
  await spans();
  finished.length = 0;
});
afterAll(() => telemetry.stop());

/** Every span that has ended, by its name. */
async function spans(): Promise<Map<string, ReadableSpan>> {
  const provider = (trace.getTracerProvider() as ProxyTracerProvider).getDelegate();
  await (provider as unknown as { forceFlush(): Promise<void> }).forceFlush();
  return new Map(finished.map((span) => [span.name, span]));
}

async function recordOf(service: ServiceUnderTest) {
  const from = [0, 1, 2].map((partition) => ({ topic: "chat-message-requests", partition, offset: 0 }));
  const reads = await service.gateway.broker.read(from, { waitMs: 0, bytesMax: 1e6, recordsMax: 10 });
  const [record] = reads.flatMap(({ records }) => records);
  return JSON.parse(new TextDecoder().decode(record!.value!)) as {
    id: string;
    traceparent: string;
    tracestate?: string;
  };
}

const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;

describe("the trace of an operation", () => {
  it("goes from the request through the record to the transaction under one id", async () => {
    await using service = await startService();
    const { body } = await service.post(CREATE, DATA, traced("01"));
    await service.tickToRest();
    const all = await spans();
    const [request, send] = [all.get(`POST ${CREATE}`), all.get("send chat-message-requests")];
    const [process, transact] = [all.get("process chat-message-requests"), all.get("transact")];
    for (const span of [request, send, process, transact]) expect(span?.spanContext().traceId).toBe(TRACE);
    expect([request, send, process, transact].map((span) => span?.kind)).toEqual([
      SpanKind.SERVER,
      SpanKind.PRODUCER,
      SpanKind.CONSUMER,
      SpanKind.CLIENT,
    ]);
    expect(request!.parentSpanContext?.spanId).toBe(CLIENT);
    expect(send!.parentSpanContext?.spanId).toBe(idOf(request));
    expect(process!.parentSpanContext?.spanId).toBe(idOf(request));
    expect(process!.links.map(({ context }) => context.spanId)).toEqual([idOf(request)]);
    expect(transact!.parentSpanContext?.spanId).toBe(idOf(process));

    expect(request!.attributes).toMatchObject({
      "http.request.method": "POST",
      "http.route": CREATE,
      "http.response.status_code": 202,
      "url.path": CREATE,
    });
    expect(send!.attributes).toMatchObject({
      "messaging.system": "kafka",
      "messaging.operation.name": "send",
      "messaging.destination.name": "chat-message-requests",
      "messaging.batch.message_count": 1,
    });
    expect(process!.attributes).toMatchObject({
      "messaging.operation.name": "process",
      "messaging.kafka.offset": 0,
      "messaging.message.id": body.id,
    });
    expect(transact!.attributes).toMatchObject({ "db.operation.name": "transact", "db.operation.batch.size": 1 });
    const record = await recordOf(service);
    expect(record.traceparent).toBe(`00-${TRACE}-${idOf(request)}-01`);
  });

  it("is begun by the service when the client sends none, or one that is none", async () => {
    for (const headers of [{}, { traceparent: "00-xyz" }, { traceparent: `00-${"0".repeat(32)}-${CLIENT}-01` }]) {
      finished.length = 0;
      await using service = await startService();
      await service.post(CREATE, DATA, headers);
      await service.tickToRest();
      const all = await spans();
      const ids = new Set([...all.values()].map((span) => span.spanContext().traceId));
      expect(ids.size).toBe(1);
      expect([...ids][0]).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect((await recordOf(service)).traceparent).toContain([...ids][0]);
      expect([...all.keys()].toSorted()).toEqual([
        `POST ${CREATE}`,
        "process chat-message-requests",
        "send chat-message-requests",
        "transact",
      ]);
    }
  });

  it("keeps the client's tracestate through the record", async () => {
    await using service = await startService();
    await service.post(CREATE, DATA, { ...traced("01"), tracestate: "vendor=t61rcWkgMzE,other=1" });
    expect((await recordOf(service)).tracestate).toBe("vendor=t61rcWkgMzE,other=1");
    await service.tickToRest();
    const process = (await spans()).get("process chat-message-requests");
    expect(process?.spanContext().traceState?.serialize()).toBe("vendor=t61rcWkgMzE,other=1");
  });

  it("that nobody samples makes no spans, and its id goes through all the same", async () => {
    await using service = await startService();
    await service.post(CREATE, DATA, traced("00"));
    await service.tickToRest();
    expect([...(await spans()).keys()]).toEqual([]);
    expect((await recordOf(service)).traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  });

  it("has the transaction within the request on the synchronous paths", async () => {
    for (const options of [{ env: { ENABLE_KAFKA: "false" } }, { broker: refusingProduce() }]) {
      finished.length = 0;
      await using service = await startService(options);
      await service.post(CREATE, DATA, traced("01"));
      const all = await spans();
      const transact = all.get("transact");
      expect(transact?.spanContext().traceId).toBe(TRACE);
      expect(transact?.parentSpanContext?.spanId).toBe(idOf(all.get(`POST ${CREATE}`)));
      expect(all.has("send chat-message-requests")).toBe("broker" in options);
    }
  });

  it("covers a whole batch: one request, one send, a process for each record", async () => {
    await using service = await startService({ partitions: 1 });
    const item = (id: string) => ({ flow: "session", type: "create", data: { id } });
    await service.post("/v1/operations", [item("a"), item("b"), item("c")], traced("01"));
    await service.tickToRest();
    await spans();
    const names = Map.groupBy(finished, ({ name }) => name);
    expect(names.get("POST /v1/operations")).toHaveLength(1);
    expect(names.get("send session-operations")).toHaveLength(1);
    expect(names.get("process session-operations")).toHaveLength(3);
    expect(names.get("transact")?.[0]?.attributes["db.operation.batch.size"]).toBe(3);
    expect(new Set(finished.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]));
  });

  it("is an error where the service failed, and none where the client did", async () => {
    await using service = await startService({
      env: { ENABLE_KAFKA: "false" },
      database: (database) => {
        const failing = failingDatabase(database);
        failing.faults.down = true;
        return failing;
      },
    });
    expect((await service.post(CREATE, DATA, traced("01"))).status).toBe(503);
    const failed = await spans();
    for (const name of [`POST ${CREATE}`, "transact"]) expect(failed.get(name)?.status.code).toBe(SpanStatusCode.ERROR);
    expect(failed.get("transact")?.attributes["error.type"]).toBe("graph_unavailable");
    finished.length = 0;
    expect((await service.post(CREATE, {}, traced("01"))).status).toBe(422);
    expect((await spans()).get(`POST ${CREATE}`)?.status.code).toBe(SpanStatusCode.UNSET);
  });
});
