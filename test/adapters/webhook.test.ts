// What the adapter of Standard Webhooks makes of every receiver that fails, lies or hangs, and which hosts it refuses.
import { createHmac } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { RequestFetch } from "../../src/adapters/broker/proxy-call.ts";
import { type StandardWebhooksOptions, standardWebhooks } from "../../src/adapters/webhook/standard.ts";
import { type Receive, type Receiver, SECRET, webhookReceiver } from "../support/webhook-receiver.ts";

const ID = "0199a3c4-0000-7000-8000-00000000abcd";
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const URL_WITH_TOKEN = "https://hooks.example.com/t0k3n";
const DELAY_MAX_MS = 20_000;
const KIB = 1_024;
const MIB = 1_024 * KIB;
const GIB = 1_024 * MIB;
const CLOCK = { nowMs: () => Date.now() };
const JSON_TYPE = { "content-type": "application/json" };

/** Calls the webhook of a receiver once; its reason must give nothing away. */
async function call(receive: Receive, options: Partial<StandardWebhooksOptions> = {}) {
  const receiver = await started(receive);
  const result = await hook(`${receiver.url}/t0k3n`, { fetch, allowInsecure: true, ...options });
  return { result, receiver };
}

async function started(receive: Receive): Promise<Receiver> {
  const receiver = await webhookReceiver(receive);
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  return receiver;
}

/** Calls a webhook at an address once. */
async function hook(url: string, options: Partial<StandardWebhooksOptions> & { fetch: RequestFetch }, secret = SECRET) {
  const webhooks = standardWebhooks({ targets: new Map([["ship", { url, secret }]]), clock: CLOCK, ...options });
  const result = await webhooks.call({ name: "ship", id: ID, body: { order: "o-1" } });
  if (result.status === "failed") expect(result.reason).not.toMatch(/whsec_|MTIz|t0k3n|passw0rd|example\.com|127\.0/);
  return result;
}

const ends = (code: number, headers: Record<string, string>, body?: string | Buffer): Receive => {
  return (_, response) => void response.writeHead(code, headers).end(body);
};
const answers = (response: () => Response) => ({ fetch: vi.fn<RequestFetch>(response) });
const refused = (code: number, retryable: boolean) => ({ status: "failed", retryable, code });

describe("a call", () => {
  it("is signed over id, time and body, as Standard Webhooks says", async () => {
    const { fetch } = answers(() => new Response(null, { status: 204 }));
    await hook(URL_WITH_TOKEN, { fetch, clock: { nowMs: () => NOW_MS } });
    const [request] = fetch.mock.lastCall!;
    const body = '{"order":"o-1"}';
    const seconds = Math.floor(NOW_MS / 1_000);
    const mac = createHmac("sha256", Buffer.from(SECRET.slice(6), "base64")).update(`${ID}.${seconds}.${body}`);
    expect(Object.fromEntries(request.headers)).toEqual({
      ...JSON_TYPE,
      "webhook-id": ID,
      "webhook-timestamp": String(seconds),
      "webhook-signature": `v1,${mac.digest("base64")}`,
    });
    expect([request.method, request.url, request.redirect, await request.text()]).toEqual([
      ...["POST", URL_WITH_TOKEN, "manual", body],
    ]);
  });

  it("with another secret than the receiver's is refused there for good", async () => {
    const receiver = await started(ends(200, {}));
    const other = `whsec_${btoa("another secret of 32 bytes, here")}`;
    expect(await hook(receiver.url, { fetch, allowInsecure: true }, other)).toMatchObject(refused(401, false));
    expect(receiver.received).toEqual([]);
  });

  it.each(["", " a", "a\r\nx: y", "a\0", "ü"])("with an id that fits no header fails for good: %j", async (id) => {
    const { fetch } = answers(() => new Response());
    const webhooks = standardWebhooks({
      targets: new Map([["a", { url: URL_WITH_TOKEN, secret: SECRET }]]),
      clock: CLOCK,
      fetch,
    });
    expect(await webhooks.call({ name: "a", id, body: null })).toMatchObject({ status: "failed", retryable: false });
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe("an answer", () => {
  it.each<[string, Receive, unknown]>([
    ["JSON", ends(200, JSON_TYPE, '{"a":[1]}'), { a: [1] }],
    [
      "JSON of its own type, with a charset",
      ends(201, { "content-type": "application/problem+json; charset=utf-8" }, "[]"),
      [],
    ],
    ["JSON with a byte order mark", ends(200, JSON_TYPE, "\uFEFF1"), 1],
    ["JSON without a type", ends(200, {}, '{"a":1}'), { a: 1 }],
    ["text without a type", ends(200, {}, "{well"), "{well"],
    ["text that looks like JSON", ends(200, { "content-type": "text/plain" }, "12"), "12"],
    ["a page", ends(200, { "content-type": "text/html" }, "<p>ok"), "<p>ok"],
    ["garbage", ends(200, { "content-type": "image/png" }, Buffer.from([0x41, 0, 0xff, 0xc3])), "A\uFFFD\uFFFD\uFFFD"],
    ["nothing", ends(200, JSON_TYPE), null],
    ["a promise to do it later", ends(202, JSON_TYPE, "{}"), null],
    ["exactly what is allowed", ends(200, {}, "x".repeat(64 * KIB)), "x".repeat(64 * KIB)],
  ])("of %s is taken", async (_, receive, body) => {
    expect((await call(receive)).result).toMatchObject({ status: "answered", body });
  });

  it.each([
    ["broken JSON", '{"a":', "the answer is no JSON"],
    ["JSON that is no UTF-8", Buffer.from([0x22, 0xff, 0x22]), "the answer is no JSON"],
    ["a text with NUL", '{"a":["\\u0000"]}', "the answer cannot be kept: #/a/0 The text holds a NUL character"],
    [
      "an integer beyond 2^53",
      '{"id":12345678901234567890}',
      expect.stringMatching(/^the answer cannot be kept: #\/id /),
    ],
    ["a number beyond all", '{"total":1e999}', expect.stringMatching(/^the answer cannot be kept: #\/total /)],
    ["too deep a nesting", "[".repeat(5_000) + "]".repeat(5_000), expect.stringMatching(/nested deeper/)],
  ])("of %s is a failure for good", async (_, body, reason) => {
    const { result } = await call(ends(200, JSON_TYPE, body));
    expect(result).toEqual({ status: "failed", retryable: false, code: 200, reason });
  });

  it.each([
    ...[300, 301, 302, 303, 304, 307, 308].map((code) => [code, false] as const),
    ...[400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451].map((code) => [code, false] as const),
    ...[408, 425, 429, 500, 501, 502, 503, 504, 599].map((code) => [code, true] as const),
  ])("of %i says whether another attempt may succeed: %s", async (code, retryable) => {
    const { fetch } = answers(() => new Response(code === 304 ? null : "t0k3n", { status: code }));
    const result = await hook(URL_WITH_TOKEN, { fetch });
    expect(result).toEqual({ ...refused(code, retryable), reason: expect.stringContaining(`answered ${code}`) });
  });

  it.each([
    ["120", 120_000],
    ["0", 0],
    ["99999999999999999999999", 3_600_000],
    ["Fri, 02 Jan 2026 03:04:10 GMT", 4_322],
    ["Fri, 02 Jan 2026 03:04:00 GMT", 0],
    ["Sat, 03 Jan 2026 03:04:00 GMT", 3_600_000],
    ["-5", undefined],
    ["1.5", undefined],
    ["2026-01-02", undefined],
    ["Fri, 99 Jan 2026 03:04:00 GMT", undefined],
    ["soon", undefined],
    ["", undefined],
  ])("with Retry-After %j asks for %s ms", async (value, retryAfterMs) => {
    const { fetch } = answers(() => new Response(null, { status: 503, headers: { "retry-after": value } }));
    const result = await hook(URL_WITH_TOKEN, { fetch, clock: { nowMs: () => NOW_MS } });
    expect(result).toMatchObject(refused(503, true));
    expect((result as { retryAfterMs?: number }).retryAfterMs).toBe(retryAfterMs);
  });

  it("of a redirect is not followed", async () => {
    const inside = await started(ends(200, {}));
    const { result } = await call(ends(307, { location: `${inside.url}/` }));
    expect(result).toMatchObject(refused(307, false));
    expect(inside.received).toEqual([]);
  });

  it.each([
    ["with its length", true],
    ["without its length", false],
  ])("of 2 GiB %s is cut off early", async (_, announced) => {
    const sent = Promise.withResolvers<number>();
    const { result } = await call((__, response) => {
      response.writeHead(200, announced ? { "content-length": String(2 * GIB) } : {});
      stream(response, 2 * GIB, sent.resolve);
    });
    const reason = `the answer is larger than ${64 * KIB} bytes`;
    expect(result).toEqual({ status: "failed", retryable: false, code: 200, reason });
    // What the sockets' buffers took before the receiver noticed.
    expect(await sent.promise).toBeLessThan(32 * MIB);
  });

  it("that is too large in pieces is cut off at its bound", async () => {
    const { result } = await call(ends(200, {}, "x".repeat(11)), { answerBytesMax: 10 });
    expect(result).toMatchObject({ status: "failed", retryable: false, reason: "the answer is larger than 10 bytes" });
  });
});

/** Answers with a body that never ends; tells how many of its KiB were asked for when it is given up. */
function endless(status: number, headers: Record<string, string> = {}) {
  const cancelled = Promise.withResolvers<number>();
  let pulls = 0;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    pulls++;
    controller.enqueue(new Uint8Array(KIB));
  };
  const cancel = () => cancelled.resolve(pulls);
  const fetch = () => new Response(new ReadableStream({ pull, cancel }, { highWaterMark: 0 }), { status, headers });
  return { fetch, cancelled: cancelled.promise };
}

it.each<[string, number, number, Record<string, string>]>([
  ["later", 202, 0, {}],
  ["elsewhere", 307, 0, {}],
  ["no", 404, 0, {}],
  ["not now", 503, 0, {}],
  ["too large, announced", 200, 0, { "content-length": "65537" }],
  ["too large", 200, 65, {}],
])("a body that says %s is given up, also where fetch heeds no signal", async (_, status, kib, headers) => {
  const { fetch, cancelled } = endless(status, headers);
  await hook(URL_WITH_TOKEN, { fetch });
  expect(await cancelled).toBe(kib);
});

/** Writes `total` bytes as fast as they are taken; tells how many were when the connection has closed. */
function stream(response: ServerResponse, total: number, closed: (bytes: number) => void): void {
  const chunk = Buffer.alloc(64 * KIB, "x");
  let bytes = 0;
  const write = (): void => {
    while (bytes < total && !response.destroyed) {
      bytes += chunk.length;
      if (!response.write(chunk)) return;
    }
    response.end();
  };
  response.on("drain", write).on("close", () => closed(bytes));
  write();
}

describe("a connection", () => {
  it.each<[string, (closed: () => void) => Receive]>([
    ["never answers", (closed) => (_, response) => void response.on("close", closed)],
    [
      "drips",
      (closed) => (_, response) => {
        response.writeHead(200, JSON_TYPE).write("[");
        const timer = setInterval(() => response.write(" "), 20);
        response.on("close", () => {
          clearInterval(timer);
          closed();
        });
      },
    ],
  ])("that %s ends at the deadline, and is closed", async (_, receive) => {
    const closed = Promise.withResolvers<void>();
    const began = performance.now();
    const { result } = await call(receive(closed.resolve), { timeoutMs: 200 });
    expect(result).toEqual({ status: "failed", retryable: true, reason: "no answer within 200 ms" });
    expect(performance.now() - began).toBeLessThan(DELAY_MAX_MS);
    await closed.promise;
  });

  it("that breaks in the middle of an answer can be tried again", async () => {
    const { result } = await call((_, response) => {
      response.writeHead(200, { ...JSON_TYPE, "content-length": "100" });
      response.write("[1,", () => response.destroy());
    });
    expect(result).toMatchObject({ status: "failed", retryable: true });
  });

  it("that nobody takes can be tried again", async () => {
    const { url, ...receiver } = await webhookReceiver(() => {});
    await receiver[Symbol.asyncDispose]();
    const result = await hook(url, { fetch, allowInsecure: true });
    expect(result).toEqual({ status: "failed", retryable: true, reason: "no answer: ECONNREFUSED" });
  });

  it.each([
    ["an error that holds everything", new TypeError(`cannot reach ${URL_WITH_TOKEN} with ${SECRET}`), "TypeError"],
    [
      "a cause that holds everything",
      new Error("x", { cause: Object.assign(new Error(SECRET), { code: SECRET }) }),
      "Error",
    ],
    [
      "attempts at several addresses",
      new AggregateError([Object.assign(new Error("x"), { code: "EHOSTUNREACH" })]),
      "EHOSTUNREACH",
    ],
    ["a text", SECRET, "unknown error"],
    ["nothing", undefined, "unknown error"],
  ])("that fails with %s gives nothing away", async (_, error, words) => {
    const result = await hook(URL_WITH_TOKEN, { fetch: () => Promise.reject(error) });
    expect(result).toEqual({ status: "failed", retryable: true, reason: `no answer: ${words}` });
  });

  it("whose fetch does not heed its signal ends at the deadline, and so does its answer", async () => {
    const cancelled = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await setImmediate();
        controller.enqueue(new Uint8Array());
      },
      cancel: () => cancelled.resolve(),
    });
    const fetch = async () => new Response(body);
    const pulling = hook(URL_WITH_TOKEN, { fetch, timeoutMs: 50 });
    expect(await pulling).toMatchObject({ retryable: true, reason: "no answer within 50 ms" });
    await cancelled.promise;
  });
});

describe("a host", () => {
  const { fetch } = answers(() => Response.json("reached"));
  const resolving = (...addresses: string[]) => ({ fetch, resolve: vi.fn(async () => addresses) });

  it.each([
    "http://hooks.example.com/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fd00::1]/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://localhost./",
    "https://api.localhost/",
    "https://redis/",
    "ftp://hooks.example.com/",
    "https://user:passw0rd@hooks.example.com/",
    "not an address",
  ])("at %s is refused", async (url) => {
    fetch.mockClear();
    const result = await hook(url, resolving("93.184.216.34"));
    expect(result).toMatchObject({
      status: "failed",
      retryable: false,
      reason: expect.stringMatching(/"ship" must have/),
    });
    expect(fetch).not.toHaveBeenCalled();
  });

  it.each([
    [["10.0.0.1"]],
    [["93.184.216.34", "127.0.0.1"]],
    [["2606:4700::1111", "::1"]],
    [["::ffff:8.8.8.8"]],
    [["what?"]],
  ])("whose name leads to %j is refused", async (addresses) => {
    fetch.mockClear();
    const result = await hook(URL_WITH_TOKEN, resolving(...addresses));
    expect(result).toMatchObject({ status: "failed", retryable: false, reason: expect.stringMatching(/not public/) });
    expect(fetch).not.toHaveBeenCalled();
  });

  it("whose name leads to public addresses is called", async () => {
    const options = resolving("93.184.216.34", "2606:4700::1111");
    expect(await hook(URL_WITH_TOKEN, options)).toEqual({ status: "answered", code: 200, body: "reached" });
    expect(options.resolve).toHaveBeenCalledExactlyOnceWith("hooks.example.com");
  });

  it("that is a public address is called without being looked up", async () => {
    const options = resolving("10.0.0.1");
    for (const url of ["https://93.184.216.34/", "https://[2606:4700::1111]/"]) {
      expect(await hook(url, options)).toMatchObject({ status: "answered" });
    }
    expect(options.resolve).not.toHaveBeenCalled();
  });

  it.each<[string, () => Promise<string[]>, string]>([
    [
      "cannot be looked up",
      () => Promise.reject(Object.assign(new Error(), { code: "ENOTFOUND" })),
      "no answer: ENOTFOUND",
    ],
    ["has no address", async () => [], 'the host of webhook "ship" has no address'],
    ["is looked up for ever", () => new Promise(() => {}), "no answer within 50 ms"],
  ])("whose name %s can be tried again", async (_, resolve, reason) => {
    fetch.mockClear();
    const result = await hook(URL_WITH_TOKEN, { fetch, resolve, timeoutMs: 50 });
    expect(result).toEqual({ status: "failed", retryable: true, reason });
    expect(fetch).not.toHaveBeenCalled();
  });

  it("whose name is found too late is not called", async () => {
    fetch.mockClear();
    const found = Promise.withResolvers<string[]>();
    await hook(URL_WITH_TOKEN, { fetch, resolve: () => found.promise, timeoutMs: 10 });
    found.resolve(["93.184.216.34"]);
    await setImmediate();
    expect(fetch).not.toHaveBeenCalled();
  });

  it("with a secret that is none fails for good", async () => {
    const result = await hook(URL_WITH_TOKEN, { fetch }, "MTIz");
    expect(result).toMatchObject({ status: "failed", retryable: false });
  });
});
