// Spans on their way to a collector: OTLP over HTTP against a receiver on the loopback interface.
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { batchingProcessor, otlpExporter, startTelemetry } from "../src/runtime/telemetry.ts";
import { loopback } from "./support/gateway-bundle.ts";
import { startService } from "./support/service.ts";

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: unknown }[] };
    readonly scopeSpans: readonly { readonly spans: readonly { readonly name: string; readonly traceId: string }[] }[];
  }[];
}

describe("the OTLP exporter", () => {
  it("sends spans as OTLP/JSON, the last of them at the end", async () => {
    const received: Export[] = [];
    const collector = new Hono().post("/base/v1/traces", async (c) => {
      expect(c.req.header("content-type")).toBe("application/json");
      received.push(await c.req.json());
      return c.json({});
    });
    await using server = await loopback(collector);
    const telemetry = startTelemetry("1.2.3", batchingProcessor(`${server.url}/base/`));
    await using service = await startService();
    await service.post("/v1/session/create", { id: "s" });
    await service.tickToRest();
    await telemetry.stop();
    const [first] = received.flatMap(({ resourceSpans }) => resourceSpans);
    expect(first!.resource.attributes).toContainEqual({ key: "service.name", value: { stringValue: "tidegate" } });
    expect(first!.resource.attributes).toContainEqual({ key: "service.version", value: { stringValue: "1.2.3" } });
    const spans = received.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    expect(spans.map(({ name }) => name).toSorted()).toEqual([
      "POST /v1/session/create",
      "process session-operations",
      "send session-operations",
      "transact",
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it.each([
    ["refuses", () => Promise.resolve(new Response("no", { status: 503 }))],
    ["cannot be reached", () => Promise.reject(new TypeError("fetch failed"))],
  ])("gives a batch up when the collector %s", async (_, answer) => {
    const exporter = otlpExporter("http://collector.test", answer);
    const code = await new Promise((resolve) => exporter.export([], (result) => resolve(result.code)));
    expect(code).toBe(1);
    await exporter.shutdown();
  });
});
