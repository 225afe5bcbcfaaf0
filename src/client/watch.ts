// Event streams that outlive their connections: the life of one operation, and all operations as they get their outcome.
import type { OperationStatus } from "./answers.ts";
import {
  begin,
  type CallOptions,
  type Deadline,
  either,
  type Failed,
  failedOrThrow,
  noAnswer,
  orAborted,
  pauseOrThrow,
  request,
  type Transport,
} from "./call.ts";
import { eventsOf, type StreamEvent } from "./event-stream.ts";

/** How all operations are watched. A stream has no end, and therefore no deadline: `deadlineMs` bounds each reconnection. */
export interface WatchAllOptions extends CallOptions {
  /** Where to go on: the `cursor` of an earlier one. By default what comes from now on. */
  readonly from?: string | undefined;
}

/** An operation that has its outcome, and its place among all. */
export interface WatchedOperation {
  readonly status: OperationStatus;
  readonly cursor: string;
}

/** The service says something every 15 seconds; after that long without a word the connection is lost. */
const QUIET_MS_MAX = 45_000;

/** Statuses of an operation as they change, up to the one that is not `pending`. Throws TidegateError. */
export async function* watch(transport: Transport, id: string, options?: CallOptions): AsyncGenerator<OperationStatus> {
  const path = `/v1/operations/${encodeURIComponent(id)}/events`;
  let last = "";
  for await (const { data } of streamed(transport, path, "", begin(transport, options), options)) {
    if (data === last) continue;
    last = data;
    const status = JSON.parse(data) as OperationStatus;
    yield status;
    if (status.state !== "pending") return;
  }
}

/** Operations as they get their outcome, without an end. Throws TidegateError when the stream cannot be taken up again in time. */
export async function* watchAll(transport: Transport, options: WatchAllOptions = {}): AsyncGenerator<WatchedOperation> {
  const { from = "", ...rest } = options;
  for await (const { data, id } of streamed(transport, "/v1/operations/events", from, undefined, rest)) {
    yield { status: JSON.parse(data) as OperationStatus, cursor: id };
  }
}

/** Events of a path over any number of connections. Without a deadline each reconnection has one of its own. */
async function* streamed(
  transport: Transport,
  path: string,
  from: string,
  deadline: Deadline | undefined,
  options: CallOptions | undefined,
): AsyncGenerator<StreamEvent & { readonly data: string }> {
  let lastId = from;
  let attempts = 0;
  let left = deadline ?? begin(transport, options);
  for (;;) {
    let failed: Failed;
    const onPiece = (): void => {
      attempts = 0;
    };
    try {
      for await (const event of connect(transport, path, lastId, {
        ...left,
        isBounded: deadline !== undefined,
        onPiece,
      })) {
        if (event.id !== "") lastId = event.id;
        const { data } = event;
        if (data !== undefined) yield { ...event, data };
      }
      // The service ends a stream after a while; what it would have said next is asked for again.
      failed = noAnswer(transport, false, undefined, new Error("The stream ended"));
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      failed = error.failed;
    }
    if (deadline === undefined && attempts === 0) left = begin(transport, options);
    await pauseOrThrow(transport, left, attempts++, failed);
  }
}

/** A connection that failed in a way that another may not. */
class Lost {
  readonly failed: Failed;
  constructor(failed: Failed) {
    this.failed = failed;
  }
}

async function* connect(
  transport: Transport,
  path: string,
  lastId: string,
  { leftMs, signal, isBounded, onPiece }: Deadline & { readonly isBounded: boolean; readonly onPiece: () => void },
): AsyncGenerator<StreamEvent> {
  const quiet = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const within = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => quiet.abort(), Math.max(1, isBounded ? Math.min(ms, leftMs()) : ms));
  };
  const headers = { accept: "text/event-stream", ...(lastId === "" ? {} : { "last-event-id": lastId }) };
  try {
    within(Math.min(transport.attemptMs, leftMs()));
    const ending = either(quiet.signal, signal);
    const response = await orAborted(request(transport, { method: "GET", path, headers }, ending), ending);
    if (!response.ok) throw new Lost(failedOrThrow(response, await orAborted(response.text(), ending)));
    if (response.body === null) throw new Error("The stream has no body");
    within(QUIET_MS_MAX);
    // While the reader takes its time over an event, nobody waits for the service.
    const heard = (): void => {
      onPiece();
      within(QUIET_MS_MAX);
    };
    for await (const event of eventsOf(response.body, ending, heard)) {
      clearTimeout(timer);
      yield event;
      within(QUIET_MS_MAX);
    }
  } catch (error) {
    if (error instanceof Lost) throw error;
    signal?.throwIfAborted();
    if (error instanceof Error && error.name === "TidegateError") throw error;
    throw new Lost(noAnswer(transport, quiet.signal.aborted, undefined, error));
  } finally {
    clearTimeout(timer);
  }
}
