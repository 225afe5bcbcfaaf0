// Server-sent events: the life of one operation, or all operations as they get their outcomes. Pulled: a client that does
// not read costs one connection and no memory.
import type { Context, Hono } from "hono";
import { AppError } from "../domain/errors.ts";
import { tenantOf } from "./principal.ts";
import type { Service } from "./service.ts";
import { createLooks } from "./shared-looks.ts";

const STREAMS_MAX = 200;
/** A stream ends then; clients reconnect with Last-Event-ID. */
const STREAM_MS_MAX = 15 * 60_000;
const LOOK_MS = 200;
/** A comment that keeps proxies from closing a quiet stream. */
const QUIET_MS = 15_000;

export function streamRoutes(app: Hono, service: Service): void {
  let open = 0;
  const stream = (c: Context, next: () => Promise<Chunk>): Response => {
    if (open >= STREAMS_MAX) {
      throw new AppError("too_many_streams", `The service holds ${STREAMS_MAX} event streams already`, {
        retryAfterMs: 10_000,
      });
    }
    const body = pulled(service, next, (change) => {
      open += change;
    });
    return c.body(body, 200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  };
  const look = createLooks(service, ({ status, cursor }) => event("operation", status, cursor));
  app.get("/v1/operations/events", async (c) => {
    const tenant = tenantOf(c, service);
    // The first look refuses a place that is none, while there is still a status to say so.
    const given = c.req.header("last-event-id") ?? "";
    let seen = await look(given || (await service.reads.cursorNow()), tenant);
    let isFirst = true;
    return stream(c, async () => {
      if (!isFirst) seen = await look(seen.cursor, tenant);
      // Who has no place gets one before there is anything to tell: coming back before that misses nothing either.
      const place = isFirst && given === "" ? `id: ${seen.cursor}\n\n` : "";
      isFirst = false;
      return { text: seen.text === "" ? place : seen.text, done: false };
    });
  });
  app.get("/v1/operations/:id/events", async (c) => {
    const id = c.req.param("id");
    const tenant = tenantOf(c, service);
    const [known] = await service.reads.statuses([id], tenant);
    if (known === null || known === undefined) {
      throw new AppError("not_found", `This service gave out no operation ${JSON.stringify(id)}`);
    }
    let last = "";
    return stream(c, async () => {
      const [status] = await service.reads.statuses([id], tenant);
      const text = JSON.stringify(status);
      if (text === last) return { text: "", done: false };
      last = text;
      return { text: event("status", status, status?.state ?? ""), done: status?.state !== "pending" };
    });
  });
}

interface Chunk {
  readonly text: string;
  readonly done: boolean;
}

function event(name: string, data: unknown, id: string): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Looks for news when the reader has taken the last ones, until there are none to come, its time is over or the process is
 * to end. It is open from its first look on: an unread answer is no stream.
 */
function pulled(
  { clock, delay, log, stopping }: Service,
  next: () => Promise<Chunk>,
  onChange: (change: 1 | -1) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const endMs = clock.nowMs() + STREAM_MS_MAX;
  let begun = false;
  let ended = false;
  const end = (): void => {
    if (begun && !ended) onChange(-1);
    ended = true;
  };
  return new ReadableStream(
    {
      async pull(controller) {
        const quietMs = clock.nowMs() + QUIET_MS;
        if (!begun) onChange(1);
        begun = true;
        try {
          while (!ended) {
            const { text, done } = await next();
            if (ended) return;
            const isQuiet = text === "" && clock.nowMs() >= quietMs;
            if (text !== "" || isQuiet) controller.enqueue(encoder.encode(text === "" ? ": quiet\n\n" : text));
            if (done || clock.nowMs() >= endMs || stopping?.aborted) {
              end();
              controller.close();
              return;
            }
            if (text !== "" || isQuiet) return;
            await delay(LOOK_MS);
          }
        } catch (error) {
          if (ended) return;
          end();
          // What it looks at may be closed by then, which is no failure.
          if (stopping?.aborted) return controller.close();
          log.requestFailed(error);
          controller.error(error);
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
