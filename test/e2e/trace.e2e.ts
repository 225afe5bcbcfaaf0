// One operation on the real parts, and its trace at an OTLP/HTTP receiver: request, send, process and transaction under
// the one trace id that the client sent.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createStage } from "../show/stage.ts";
import { readStack } from "../stack/read-stack.ts";
import { freePort, waitFor } from "../support/tidegate-process.ts";
import { emptyKafka } from "./empty-kafka.ts";

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly spanId: string }[];
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

const SPANS_MS = 30_000;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

/** Takes spans at /v1/traces of a free port. */
async function receiver() {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.url === "/v1/traces") {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Export;
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans };
}

test("request, send, process and transaction of one operation arrive under one trace id", async () => {
  const { kafka, neo4j } = readStack();
  const root = mkdtempSync(join(tmpdir(), "tidegate-trace-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  await emptyKafka(kafka);
  const stage = createStage({ file: "", root, small: false }, "trace");
  const { url: OTEL_EXPORTER_OTLP_ENDPOINT, spans } = await receiver();
  const port = await freePort();
  const gateway = await stage.start(["gateway", "--port", String(port), "--kafka", kafka], {}, port, "/health");
  onTestFinished(async () => void (await gateway.process.stop()));
  const service = await stage.service({
    KAFKA_URL: `${gateway.url}?dialect=tidegate`,
    NEO4J_URL: neo4j.bolt,
    NEO4J_PASSWORD: neo4j.password,
    OTEL_EXPORTER_OTLP_ENDPOINT,
  });
  onTestFinished(async () => void (await service.process.stop()));
  const response = await fetch(`${service.url}/v1/memory/create`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      prefer: "wait=20",
      traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
    },
    body: JSON.stringify({ user: "ada", content: "When does the tide turn?" }),
  });
  expect([response.status, await response.json()]).toMatchObject([200, { path: "kafka", outcome: "applied" }]);
  const ours = () => spans.filter(({ traceId }) => traceId === TRACE);
  const names = ["POST /v1/memory/create", "process memory-operations", "send memory-operations", "transact"];
  await waitFor("the spans of the operation", SPANS_MS, () =>
    names.every((name) => ours().some((span) => span.name === name)),
  );
  const of = (name: string) => ours().find((span) => span.name === name)!;
  expect(of("send memory-operations").parentSpanId).toBe(of("POST /v1/memory/create").spanId);
  expect(of("transact").parentSpanId).toBe(of("process memory-operations").spanId);
});
