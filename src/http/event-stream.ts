// Server-sent events: the life of one operation, or all operations as they get their outcomes. Pulled: a client that does
// not read costs one connection and no memory.
import type { Context, Hono } from "hono";
import { AppError } from "../domain/errors.ts";
import { principalOf, tenantOf } from "./principal.ts";
import type { Service } from "./service.ts";
import { createLooks, placeBlock } from "./shared-looks.ts";
import { shownStatus } from "./shown.ts";

const STREAMS_MAX = 200;
/** A stream ends then; clients reconnect with Last-Event-ID. */
const STREAM_MS_MAX = 15 * 60_000;
const LOOK_MS = 200;
/** A comment that keeps proxies from closing a quiet stream. */
const QUIET_MS = 15_000;

export function streamRoutes(app: Hono, service: Service): void {
  let open = 0;
  const stream = (c: Context, source: Source): Response => {
    if (open >= STREAMS_MAX) {
      throw new AppError("too_many_streams", `The service holds ${STREAMS_MAX} event streams already`, {
        retryAfterMs: 10_000,
      });
    }
    const body = pulled(service, source, (change) => {
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
    const told = (): Chunk => ({ text: seen.text, done: false, place: seen.cursor, more: seen.more });
    // Who has no place gets one before there is anything to tell: coming back before that misses nothing either.
    const first = given === "" ? { ...told(), text: seen.text || placeBlock(seen.cursor) } : told();
    const next = async (): Promise<Chunk> => {
      seen = await look(seen.cursor, tenant);
      return told();
    };
    return stream(c, { from: given, first, next });
  });
  app.get("/v1/operations/:id/events", async (c) => {
    const id = c.req.param("id");
    const principal = principalOf(c, service);
    const { tenant } = principal;
    const [known] = await service.reads.statuses([id], tenant);
    if (known === null || known === undefined) {
      throw new AppError("not_found", `This service gave out no operation ${JSON.stringify(id)}`);
    }
    // It has ended, and whoever comes back knows how: this alone keeps a browser's EventSource from asking for ever.
    if (known.state !== "pending" && c.req.header("last-event-id") === known.state) return c.body(null, 204);
    let last = "";
    const next = async (): Promise<Chunk> => {
      const [found = null] = await service.reads.statuses([id], tenant);
      const status = shownStatus(found, principal);
      const text = JSON.stringify(status);
      if (text === last) return { text: "", done: false };
      last = text;
      return { text: event("status", status, status?.state ?? ""), done: status?.state !== "pending" };
    };
    return stream(c, { from: "", next });
  });
}

interface Chunk {
  readonly text: string;
  readonly done: boolean;
  /** Where to come back to for what follows; a text ends with it. */
  readonly place?: string;
  /** Whether there is more to look at already. */
  readonly more?: boolean;
}

interface Source {
  /** The place that the reader has. */
  readonly from: string;
  /** What was looked up already. */
  readonly first?: Chunk;
  readonly next: () => Promise<Chunk>;
}

function event(name: string, data: unknown, id: string): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What goes out after a look: its text; without one a sign of life and the place when it is time for them, or nothing. */
function wordsOf({ text, place }: Chunk, told: string, at: { isOver: boolean; isQuiet: boolean }): string {
  if (text !== "") return text;
  // Others' operations were passed by: whoever comes back need not pass by them again.
  const isAhead = place !== undefined && place !== told && (at.isOver || at.isQuiet);
  return (at.isQuiet ? ": quiet\n\n" : "") + (isAhead ? placeBlock(place) : "");
}

/** The chunks of a source up to when the process is to end: what a look needs may be closed by then, or would open again. */
function whileRunning({ stopping, onLook }: Service, { first, next }: Source): () => Promise<Chunk> {
  let known = first;
  let last: Chunk = { text: "", done: false };
  return async () => {
    if (known !== undefined) {
      last = known;
      known = undefined;
    } else if (stopping?.aborted) last = { ...last, text: "", done: true };
    else {
      const look = next();
      onLook?.(look);
      last = await look;
    }
    return last;
  };
}

/**
 * Looks for news when the reader has taken the last ones, until there are none to come, its time is over or the process is
 * to end. It is open from its first look on: an unread answer is no stream.
 */
function pulled(service: Service, source: Source, onChange: (change: 1 | -1) => void): ReadableStream<Uint8Array> {
  const { clock, delay, log, stopping } = service;
  const next = whileRunning(service, source);
  const encoder = new TextEncoder();
  const endMs = clock.nowMs() + STREAM_MS_MAX;
  let begun = false;
  let ended = false;
  let told = source.from;
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
            const chunk = await next();
            if (ended) return;
            const isOver = chunk.done || clock.nowMs() >= endMs || stopping?.aborted === true;
            const words = wordsOf(chunk, told, { isOver, isQuiet: clock.nowMs() >= quietMs });
            if (words !== "") controller.enqueue(encoder.encode(words));
            if (isOver) {
              end();
              controller.close();
              return;
            }
            if (words !== "") {
              told = chunk.place ?? "";
              return;
            }
            // Behind others' operations its own may lie already; a turn for the process is enough then.
            await delay(chunk.more ? 0 : LOOK_MS);
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
