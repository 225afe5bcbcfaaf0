// For schedulers and operators: health, ticks, the accounting, the dump.
import type { Hono } from "hono";
import type { Service } from "./service.ts";

/** Dump text handed to the network at a time. */
const DUMP_CHUNK_CHARACTERS = 65_536;

export function operatorRoutes(app: Hono, service: Service): void {
  const { health, name, version } = service;
  app.get("/livez", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => {
    const { ready, reasons } = await health.readiness();
    return c.json({ ready, reasons }, ready ? 200 : 503);
  });
  app.get("/health", async (c) => {
    const [readiness, kafka] = await Promise.all([health.readiness(), health.kafka()]);
    return c.json({ name, version, ...readiness, kafka }, readiness.ready ? 200 : 503);
  });
  app.get("/health/kafka", async (c) => {
    const kafka = await health.kafka();
    return c.json(kafka, kafka.ok ? 200 : 503);
  });
  app.post("/v1/tick", async (c) => c.json(await service.tick()));
  app.get("/v1/check", async (c) => c.json(await service.check()));
  app.get("/v1/dump", async (c) => {
    const lines = service.dump(c.req.query("registers") === "true")[Symbol.asyncIterator]();
    // A dump that cannot begin is a problem, not an answer cut short.
    const first = await lines.next();
    return c.body(
      textStream(lines, first, (error) => service.log.requestFailed(error)),
      200,
      { "Content-Type": "application/x-ndjson" },
    );
  });
}

/** Lines as a byte stream that is pulled, so that a slow reader holds no memory. */
function textStream(
  lines: AsyncIterator<string>,
  first: IteratorResult<string>,
  onError: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let held: IteratorResult<string> | undefined = first;
  return new ReadableStream({
    async pull(controller) {
      try {
        let text = "";
        while (text.length < DUMP_CHUNK_CHARACTERS) {
          const { value, done } = held ?? (await lines.next());
          held = undefined;
          if (done) {
            if (text !== "") controller.enqueue(encoder.encode(text));
            return controller.close();
          }
          text += `${value}\n`;
        }
        controller.enqueue(encoder.encode(text));
      } catch (error) {
        onError(error);
        controller.error(error);
      }
    },
    async cancel() {
      await lines.return?.();
    },
  });
}
