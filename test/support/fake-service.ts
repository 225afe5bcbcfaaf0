// A service that takes batches, remembers keys and fails on demand: enough of one to try a client against.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Item {
  readonly flow: string;
  readonly type: string;
  readonly key?: string;
  readonly data: { readonly [name: string]: unknown };
}

/** What to do with one request instead of answering it well. */
export type Fault =
  | { readonly sort: "status"; readonly status: number; readonly retryAfter?: string; readonly code?: string }
  /** Takes the operations, and closes the connection without an answer. */
  | { readonly sort: "lose answer" }
  /** Answers every second item with this status. */
  | { readonly sort: "items"; readonly status: number };

/** A request to one of the other routes. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}

/** What a function among the answers may throw. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly more: object;
  constructor(status: number, code: string, more: object = {}) {
    super(code);
    this.status = status;
    this.code = code;
    this.more = more;
  }
}

export interface FakeService {
  readonly url: string;
  /** Faults for the next batches, first come first served. */
  readonly faults: Fault[];
  /** Items in the order in which they were taken for the first time. */
  readonly taken: Item[];
  /** Keys of every batch that arrived. */
  readonly batches: (string | undefined)[][];
  /** The Authorization header of every request. */
  readonly authorizations: (string | undefined)[];
  /** Answers of other routes, by path with or without its query; a function answers by the request. */
  readonly answers: Map<string, unknown>;
  /** States of operations, by id; others are applied when they were taken, and unknown otherwise. */
  readonly states: Map<string, string>;
  /** Requests to other routes. */
  readonly requests: Request[];
  /** Called with every batch before it is looked at. */
  onBatch: (number: number) => void;
  close(): Promise<void>;
}

/** Starts on a free loopback port. It refuses empty content, and batches of more than `itemsMax`. */
export async function startFakeService({ itemsMax = 1_000 } = {}): Promise<FakeService> {
  const ids = new Map<string, string>();
  const known = new Set<string>();
  const fake = {
    faults: [] as Fault[],
    taken: [] as Item[],
    batches: [] as (string | undefined)[][],
    authorizations: [] as (string | undefined)[],
    answers: new Map<string, unknown>(),
    states: new Map<string, string>(),
    requests: [] as Request[],
  };

  const take = (item: Item): object => {
    if (item.data.content === "") return refusal(422, "invalid_input", "#/content: too small");
    const id = (item.key === undefined ? undefined : ids.get(item.key)) ?? randomUUID();
    if (!known.has(id)) {
      known.add(id);
      if (item.key !== undefined) ids.set(item.key, id);
      fake.taken.push(item);
    }
    const { flow, type } = item;
    return {
      status: 202,
      id,
      flow,
      type,
      path: "kafka",
      outcome: "queued",
      stamp: "0",
      entity: { kind: "Any", id: "1" },
    };
  };
  const answerBatch = (body: string, request: IncomingMessage, response: ServerResponse): void => {
    const items = body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Item);
    fake.batches.push(items.map(({ key }) => key));
    running.onBatch(fake.batches.length);
    const fault = fake.faults.shift();
    if (fault?.sort === "status") {
      const { status, retryAfter, code = "nothing_accepted" } = fault;
      if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);
      reply(response, status, JSON.stringify({ status, code, detail: "on demand" }));
      return;
    }
    if (items.length > itemsMax) {
      reply(response, 413, JSON.stringify({ code: "payload_too_large" }));
      return;
    }
    const answers = items.map((item, index) =>
      fault?.sort === "items" && index % 2 === 1 ? refusal(fault.status, "nothing_accepted", "on demand") : take(item),
    );
    if (fault?.sort === "lose answer") request.socket.destroy();
    else reply(response, 200, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""));
  };
  const server = createServer((request, response) => {
    fake.authorizations.push(request.headers.authorization);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const path = request.url ?? "";
      if (path === "/v1/operations") return answerBatch(body, request, response);
      if (path === "/v1/operations/statuses") {
        const statuses = (JSON.parse(body) as string[]).map((id) => {
          const state = fake.states.get(id) ?? (known.has(id) ? "applied" : undefined);
          return state === undefined ? null : { id, state };
        });
        return reply(response, 200, JSON.stringify(statuses));
      }
      const url = new URL(path, "http://fake");
      const asked = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        body,
        headers: request.headers,
      };
      fake.requests.push(asked);
      const found = fake.answers.get(path) ?? fake.answers.get(url.pathname);
      if (found !== undefined) return answerWith(found, asked, response);
      return reply(response, 404, JSON.stringify({ code: "not_found", detail: `There is nothing at ${path}` }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const running: FakeService = {
    ...fake,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    onBatch: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return running;
}

function answerWith(found: unknown, asked: Request, response: ServerResponse): void {
  try {
    const answer = typeof found === "function" ? found(asked) : found;
    reply(response, 200, typeof answer === "string" ? answer : JSON.stringify(answer));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    response.setHeader("retry-after", "0");
    reply(response, error.status, JSON.stringify({ code: error.code, detail: "on demand", ...error.more }));
  }
}

function refusal(status: number, code: string, detail: string): object {
  return { status, problem: { type: `/problems/${code}`, title: code, status, detail, code } };
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": status === 200 ? "application/x-ndjson" : "application/problem+json" });
  response.end(body);
}
