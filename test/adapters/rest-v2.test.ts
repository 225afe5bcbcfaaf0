// What the v2 adapter makes of every answer and failure. Numbers are those of the failure cases in kafka-over-http.md §2.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import type { RequestFetch } from "../../src/adapters/broker/proxy-call.ts";
import { restV2Broker } from "../../src/adapters/broker/rest-v2.ts";
import { failed, failing, fakeProxy, fetchFailed, json } from "../support/fake-proxy.ts";
import { loopback } from "../support/gateway-bundle.ts";

const RECORDS = ["1", "2"].map((value) => ({ topic: "t", key: "k", value }));
const FROM = [{ topic: "t", partition: 0, offset: 5 }];
const BUDGET = { waitMs: 1_500, bytesMax: 1_000, recordsMax: 10 };
const b64 = (text: string) => Buffer.from(text).toString("base64");

describe("produce() of a whole request", () => {
  it.each([
    ["connection refused", fetchFailed(failed("ECONNREFUSED")), "retryable"],
    ["name not found", fetchFailed(failed("ENOTFOUND")), "retryable"],
    ["name not found for now", fetchFailed(new Error("outer", { cause: failed("EAI_AGAIN") })), "retryable"],
    [
      "refused at every address",
      fetchFailed(new AggregateError([failed("ECONNREFUSED"), failed("ECONNREFUSED")])),
      "retryable",
    ],
    [
      "refused at one address, lost at another",
      fetchFailed(new AggregateError([failed("ECONNREFUSED"), failed("ECONNRESET")])),
      "unknown",
    ],
    ["connection reset", fetchFailed(failed("ECONNRESET")), "unknown"],
    ["time-out (case 7)", new DOMException("timed out", "TimeoutError"), "unknown"],
    ["abort (case 7)", new DOMException("aborted", "AbortError"), "unknown"],
    [
      "a cause that is its own cause",
      Object.assign(new Error("loop"), {
        get cause() {
          return this;
        },
      }),
      "unknown",
    ],
    ["something that is no error", "oops", "unknown"],
  ])("answers what is known after: %s", async (_, error, status) => {
    const { broker } = fakeProxy(failing(error));
    expect((await broker.produce(RECORDS)).map((result) => result.status)).toEqual([status, status]);
  });

  it.each([
    [400, "fatal"],
    [401, "fatal"],
    [404, "fatal"],
    [408, "unknown"],
    [413, "fatal"],
    [415, "fatal"],
    [422, "fatal"],
    [429, "retryable"],
    [500, "unknown"],
    [502, "unknown"],
    [503, "unknown"],
    [307, "unknown"],
    [200, "unknown"],
  ])("answers %i without results as %s", async (code, status) => {
    const { broker } = fakeProxy(json(code, { error_code: code, message: "because" }));
    const results = await broker.produce(RECORDS);
    expect(results.map((result) => result.status)).toEqual([status, status]);
    expect(results[0]).toMatchObject({ reason: `proxy answered ${code}: because` });
  });

  it.each([
    ["nothing", new Response("")],
    ["no JSON", new Response("<html>", { status: 200 })],
    ["half of the JSON", new Response('{"offsets":[{"partition":0,"off')],
    ["null", new Response("null")],
    ["a number", new Response("7")],
    ["offsets that are none", Response.json({ offsets: "two" })],
  ])("answers unknown to an answer that is %s", async (_, response) => {
    const { broker } = fakeProxy(() => response);
    expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
  });

  it("answers unknown when the connection breaks within the answer (case 7)", async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"offsets":['));
        controller.error(failed("ECONNRESET"));
      },
    });
    const { broker } = fakeProxy(() => new Response(broken));
    expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
  });

  it("gives up an answer that is larger than allowed", async () => {
    const { broker } = fakeProxy(
      json(200, {
        offsets: [
          { partition: 0, offset: 1 },
          { partition: 0, offset: 2 },
        ],
      }),
      { answerBytesMax: 20 },
    );
    expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
  });

  it.each([[[]], [[{ partition: 0, offset: 1 }]], [[0, 1, 2].map((offset) => ({ partition: 0, offset }))]])(
    "answers unknown when the number of results is another one (case 8): %j",
    async (offsets) => {
      const { broker } = fakeProxy(json(200, { offsets }));
      expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
    },
  );

  it("sends nothing after its signal has aborted", async () => {
    const { broker, requests } = fakeProxy(json(200, {}));
    const results = await broker.produce(RECORDS, AbortSignal.abort());
    expect(results).toEqual(RECORDS.map(() => ({ status: "retryable", reason: "cancelled before it was sent" })));
    expect(requests).toEqual([]);
  });

  it("refuses for good what cannot be made into a request", async () => {
    const { broker } = fakeProxy(json(200, {}), { headers: { "not a header": "x" } });
    expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["fatal", "fatal"]);
  });

  it("answers retryable when nothing listens at a real address", async () => {
    const server = await loopback(new Hono());
    await server[Symbol.asyncDispose]();
    const broker = restV2Broker({ url: server.url, cluster: "c", fetch, read: "stateless" });
    expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["retryable", "retryable"]);
    await expect(broker.read(FROM, BUDGET)).rejects.toMatchObject({ code: "broker_unavailable" });
  });

  it("answers unknown when a real server hangs up after the request", async () => {
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const broker = restV2Broker({ url: `http://127.0.0.1:${port}`, cluster: "c", fetch, read: "stateless" });
    expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
  });
});

describe("produce() of single records (case 8)", () => {
  const ok = { partition: 1, offset: 3 };
  it.each([
    ["Confluent's success", { ...ok, error_code: null, error: null }, "ok"],
    ["Karapace's success", ok, "ok"],
    ["an offset of -1", { partition: 0, offset: -1 }, "unknown"],
    ["no offset", { partition: 0 }, "unknown"],
    ["null", null, "unknown"],
    ["Karapace's 1, expired (case 7)", { error_code: 1, error: "Local: Message timed out" }, "unknown"],
    [
      "Karapace's 2",
      { error_code: 2, error: "This request is for a topic or partition that does not exist on this broker." },
      "unknown",
    ],
    ["Confluent's 50003", { partition: null, offset: null, error_code: 50003, error: "retriable" }, "unknown"],
    ["Confluent's 50002", { error_code: 50002, error: "Kafka error" }, "unknown"],
    ["Strimzi's 500", { error_code: 500, message: "Expiring 1 record(s)" }, "unknown"],
    [
      "Strimzi's 404 for a missing topic (case 10)",
      { error_code: 404, message: "Topic t not present in metadata after 60000 ms." },
      "fatal",
    ],
    ["an unknown partition", { error_code: 40402, error: "no such partition" }, "fatal"],
    ["a record that is too large (case 16)", { error_code: 413, error: "larger" }, "fatal"],
    ["Kafka's MESSAGE_TOO_LARGE", { error_code: 10 }, "fatal"],
    ["no right to write", { error_code: 40301, error: "denied" }, "fatal"],
    ["a code that is a text", { error_code: "40402" }, "unknown"],
  ])("takes %s for what it says", async (_, entry, status) => {
    const { broker } = fakeProxy(json(200, { offsets: [entry, ok] }));
    const results = await broker.produce(RECORDS);
    expect(results.map((result) => result.status)).toEqual([status, "ok"]);
  });

  it.each([401, 403, 422])("reads the results within a %i", async (status) => {
    const { broker } = fakeProxy(json(status, { offsets: [ok, { error_code: 40301, error: "denied" }] }));
    expect((await broker.produce(RECORDS)).map((result) => result.status)).toEqual(["ok", "fatal"]);
  });

  it("does not trust results within a 5xx", async () => {
    const { broker } = fakeProxy(json(500, { offsets: [ok, ok] }));
    expect((await broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
  });
});

describe("produce() requests", () => {
  const echo: RequestFetch = async (request) => {
    const { records } = (await request.json()) as { records: unknown[] };
    return Response.json({ offsets: records.map((_, offset) => ({ partition: 0, offset })) });
  };

  it("go to the encoded topic below the address, in the binary format", async () => {
    const { broker, requests } = fakeProxy(echo, {
      url: "http://me:s%20t@proxy.test/kafka/?x=1#y",
      headers: { "x-extra": "1" },
    });
    await broker.produce([{ topic: "../a b/ü", key: "ключ", value: "☃" }]);
    const [request] = requests;
    expect(request!.url).toBe("http://proxy.test/kafka/topics/..%2Fa%20b%2F%C3%BC");
    expect(Object.fromEntries(request!.headers)).toMatchObject({
      "content-type": "application/vnd.kafka.binary.v2+json",
      accept: "application/vnd.kafka.v2+json",
      authorization: `Basic ${b64("me:s t")}`,
      "x-extra": "1",
    });
    expect(request!.redirect).toBe("manual");
    expect(await request!.json()).toEqual({ records: [{ key: b64("ключ"), value: b64("☃") }] });
  });

  it("are one per topic, and their results come back in the order of the records", async () => {
    const { broker, requests } = fakeProxy(echo);
    const topics = ["a", "b", "a", "c", "b", "a"];
    const results = await broker.produce(topics.map((topic) => ({ topic, key: "k", value: "v" })));
    expect(requests).toHaveLength(3);
    expect(results.map((result) => result.status === "ok" && result.offset)).toEqual([0, 0, 1, 0, 1, 2]);
  });

  it("are cut by count and by bytes, one after another", async () => {
    let open = 0;
    const one: RequestFetch = async (request) => {
      expect(++open).toBe(1);
      const response = await echo(request);
      open--;
      return response;
    };
    const { broker, requests } = fakeProxy(one, { produceRecordsMax: 3, produceBytesMax: 1_000 });
    const sizes = [1, 1, 1, 1, 400, 400, 2_000, 1];
    const results = await broker.produce(sizes.map((size) => ({ topic: "t", key: "", value: "x".repeat(size) })));
    const bodies = await Promise.all(requests.map((request) => request.json()));
    expect(bodies.map(({ records }) => records.length)).toEqual([3, 2, 1, 1, 1]);
    expect(results.every(({ status }) => status === "ok")).toBe(true);
  });

  it("are halved where what stands before the proxy takes no body of that size", async () => {
    const bodies: number[] = [];
    const { broker, requests } = fakeProxy(async (request) => {
      const size = (await request.clone().text()).length;
      bodies.push(size);
      return size > 300 ? new Response("<html>413</html>", { status: 413 }) : echo(request);
    });
    const values = ["a", "b", "c", "x".repeat(300), "d"];
    const results = await broker.produce(values.map((value) => ({ topic: "t", key: value, value })));
    expect(results.map(({ status }) => status)).toEqual(["ok", "ok", "ok", "fatal", "ok"]);
    const taken = await Promise.all(requests.filter((_, i) => bodies[i]! <= 300).map((request) => request.json()));
    expect(taken.flatMap(({ records }) => records.map(({ key }: { key: string }) => atob(key)))).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
  });

  it("carry the signal", async () => {
    const controller = new AbortController();
    const { broker } = fakeProxy(
      (request) =>
        new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason))),
    );
    const producing = broker.produce(RECORDS, controller.signal);
    controller.abort(new Error("enough"));
    expect((await producing).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
  });

  it("fail for one topic without touching the others", async () => {
    const { broker } = fakeProxy((request) =>
      request.url.endsWith("/bad") ? Promise.reject(new Error("lost")) : echo(request),
    );
    const results = await broker.produce(["good", "bad", "good"].map((topic) => ({ topic, key: "k", value: "v" })));
    expect(results.map(({ status }) => status)).toEqual(["ok", "unknown", "ok"]);
  });
});
