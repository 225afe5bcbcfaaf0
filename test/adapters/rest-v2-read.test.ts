// What the v2 adapter makes of reads and topics. Numbers are those of the failure cases in kafka-over-http.md §2.
import { describe, expect, it } from "vitest";
import { failed, failing, fakeProxy, fetchFailed, json } from "../support/fake-proxy.ts";

const FROM = [{ topic: "t", partition: 0, offset: 5 }];
const BUDGET = { waitMs: 1_500, bytesMax: 1_000, recordsMax: 10 };
const b64 = (text: string) => Buffer.from(text).toString("base64");

const entry = (records: unknown, more: object = {}) => ({
  partitions: [{ topic: "t", partition: 0, topic_id: "x", beginning_offset: 0, end_offset: 9, records, ...more }],
});
const at = (offset: number, value: string | null = b64(String(offset))) => ({ offset, key: null, value, timestamp: 0 });

describe("read()", () => {
  it("asks for all partitions in one request", async () => {
    const { broker, requests } = fakeProxy(json(200, entry([])));
    await broker.read(FROM, { ...BUDGET, waitMs: 99.7 });
    expect(requests[0]!.url).toBe("http://proxy.test/kafka/partitions/records");
    expect(requests[0]!.headers.get("accept")).toBe("application/vnd.kafka.binary.v2+json");
    expect(await requests[0]!.json()).toEqual({ partitions: FROM, timeout: 99, max_bytes: 1_000, max_records: 10 });
  });

  it("sorts records and drops repeats (case 5) and those below the offset asked for (case 6)", async () => {
    const { broker } = fakeProxy(json(200, entry([at(7), at(4), at(5), at(7), at(6), at(5)])));
    const [read] = await broker.read(FROM, BUDGET);
    expect(read!.records.map(({ offset }) => offset)).toEqual([5, 6, 7]);
  });

  it("hands on bytes that no decoder takes (case 14)", async () => {
    const { broker } = fakeProxy(json(200, entry([{ offset: 5, key: "/w==", value: "gP8A" }, at(6, null)])));
    const [read] = await broker.read(FROM, BUDGET);
    expect(read!.records[0]).toEqual({ offset: 5, key: "\uFFFD", value: new Uint8Array([0x80, 0xff, 0]) });
    expect(read!.records[1]!.value).toBeNull();
  });

  it("answers no records and a later end when the next record is too large (case 15)", async () => {
    const { broker } = fakeProxy(json(200, entry([])));
    expect(await broker.read(FROM, BUDGET)).toEqual([{ topic: "t", partition: 0, records: [], begin: 0, end: 9 }]);
  });

  it("shows that retention has passed the offset (case 17), and holes in the offsets (case 19)", async () => {
    const { broker } = fakeProxy(json(200, entry([at(8), at(20)], { beginning_offset: 8, end_offset: 21 })));
    const [read] = await broker.read(FROM, BUDGET);
    expect(read).toMatchObject({ begin: 8, end: 21, records: [{ offset: 8 }, { offset: 20 }] });
  });

  it("leaves out a partition that the proxy does not know", async () => {
    const { broker } = fakeProxy(
      json(200, { partitions: [{ topic: "t", partition: 0, error_code: 40402, message: "no" }] }),
    );
    expect(await broker.read(FROM, BUDGET)).toEqual([]);
  });

  it.each([
    ["503", json(503, { error_code: 503, message: "busy" }), "Cannot read 1 partitions: proxy answered 503: busy"],
    ["404", json(404, { error_code: 404, message: "HTTP 404 Not Found" }), "proxy answered 404"],
    [
      "a redirect",
      () => new Response(null, { status: 302, headers: { location: "http://evil.test" } }),
      "proxy answered 302",
    ],
    ["no JSON", () => new Response("<html>"), "a body that cannot be read"],
    ["a lost connection (case 4)", failing(fetchFailed(failed("ECONNRESET"))), "connect ECONNRESET"],
    ["no partitions", json(200, {}), "the answer has no partitions"],
    ["another partition", json(200, { partitions: [{ topic: "t", partition: 1 }] }), "leaves out t/0"],
    [
      "another error of the partition",
      json(200, { partitions: [{ topic: "t", partition: 0, error_code: 50002, message: "disk" }] }),
      "disk",
    ],
    ["records that are none", json(200, entry("x")), "is not a read"],
    ["a record without an offset", json(200, entry([{ value: "" }])), "a record has no offset"],
    ["a record that is not base64", json(200, entry([at(5, "@@@")])), "the record at offset 5 is not base64"],
    [
      "a record that is JSON",
      json(200, entry([{ ...at(5), value: { a: 1 } }])),
      "the record at offset 5 is not base64",
    ],
  ])("throws broker_unavailable for %s", async (_, answer, detail) => {
    const { broker } = fakeProxy(answer);
    await expect(broker.read(FROM, BUDGET)).rejects.toMatchObject({
      code: "broker_unavailable",
      message: expect.stringContaining(detail),
    });
  });
});

describe("topics()", () => {
  it("describes all topics in one request, with their ids for generations, and leaves out what is missing", async () => {
    const topics = [
      { name: "b c", topic_id: "id-2", partitions: 2 },
      { name: "a", topic_id: "id-1", partitions: 3 },
    ];
    const { broker, requests } = fakeProxy(() => Response.json({ topics }));
    expect(await broker.topics(["a", "none", "b c"])).toEqual([
      { name: "a", partitions: 3, generation: "id-1" },
      { name: "b c", partitions: 2, generation: "id-2" },
    ]);
    expect(requests.map(({ method, url }) => `${method} ${new URL(url).pathname}${new URL(url).search}`)).toEqual([
      expect.stringMatching(/GET .*\/partitions\?topic=a&topic=none&topic=b%20c$/),
    ]);
  });

  it("does not take a wrong address for a gateway without topics", async () => {
    for (const answer of [json(404, { error_code: 40401 }), () => new Response("404: Not Found", { status: 404 })]) {
      await expect(fakeProxy(answer).broker.topics(["t"])).rejects.toMatchObject({ code: "broker_unavailable" });
    }
  });

  it("throws broker_unavailable when the proxy is down or says nonsense", async () => {
    for (const answer of [
      json(503, {}),
      json(200, {}),
      json(200, null),
      json(200, { topics: [{ name: "t", topic_id: 7, partitions: 1 }] }),
      json(200, { topics: [{ name: "t", topic_id: "x", partitions: -1 }] }),
      failing(fetchFailed(failed("ECONNREFUSED"))),
    ]) {
      await expect(fakeProxy(answer).broker.topics(["t"])).rejects.toMatchObject({ code: "broker_unavailable" });
    }
  });
});
