// The gateway's answers beside those that Karapace 5.0.3 and the Strimzi bridge 1.0.0 gave to the same requests.
import { describe, expect, it } from "vitest";
import { createGateway } from "../../src/gateway/app.ts";
import { LogError } from "../../src/gateway/log.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";

const BINARY = "application/vnd.kafka.binary.v2+json";
const JSON_RECORDS = "application/vnd.kafka.json.v2+json";
const META = "application/vnd.kafka.v2+json";
const PARTITION = (partition: number) => ({
  leader: 1,
  partition,
  replicas: [{ broker: 1, in_sync: true, leader: true }],
});

async function setup(options: Parameters<typeof gatewayBundle>[0] = {}) {
  const bundle = await gatewayBundle({ topics: { "lab.k": 2 }, ...options });
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await bundle.app.request(path, init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const post = (path: string, body: unknown, type: string | null = JSON_RECORDS, headers: HeadersInit = {}) =>
    get(path, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: type === null ? headers : { "content-type": type, ...headers },
    });
  return { ...bundle, get, post };
}

describe("metadata", () => {
  it("GET /topics names the topics", async () => {
    await using bundle = await setup({ topics: { "lab.k": 2, "lab.auto": 1 } });
    const { status, headers, body } = await bundle.get("/topics");
    expect([status, headers.get("content-type"), body]).toEqual([200, META, ["lab.auto", "lab.k"]]);
  });

  it("GET /topics/{topic} describes a topic as Karapace does, with its id", async () => {
    await using bundle = await setup();
    const { body } = await bundle.get("/topics/lab.k");
    expect(body).toMatchObject({
      name: "lab.k",
      partitions: [PARTITION(0), PARTITION(1)],
      configs: { "cleanup.policy": "delete", "max.message.bytes": "1048588", "retention.ms": "-1" },
    });
    expect(body.topic_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  });

  it("GET of partitions, a partition, its offsets and the brokers answers as Karapace does", async () => {
    await using bundle = await setup();
    expect((await bundle.get("/topics/lab.k/partitions")).body).toEqual([PARTITION(0), PARTITION(1)]);
    expect((await bundle.get("/topics/lab.k/partitions/1")).body).toEqual(PARTITION(1));
    expect((await bundle.get("/topics/lab.k/partitions/0/offsets")).body).toEqual({
      beginning_offset: 0,
      end_offset: 0,
    });
    expect((await bundle.get("/brokers")).body).toEqual({ brokers: [1] });
    expect((await bundle.get("/health")).body).toEqual({ status: "ok" });
  });

  it("POST /admin/topics makes a topic as the Strimzi bridge does, and refuses to make it again", async () => {
    await using bundle = await setup();
    const topic = { topic_name: "lab.b", partitions_count: 4, replication_factor: 1 };
    const made = await bundle.post("/admin/topics", topic);
    expect([made.status, made.body]).toEqual([201, {}]);
    expect((await bundle.get("/topics/lab.b")).body.partitions).toHaveLength(4);
    expect((await bundle.post("/admin/topics", topic)).body).toEqual({
      error_code: 409,
      message: "Topic 'lab.b' already exists.",
    });
    await bundle.post("/admin/topics", { topic_name: "lab.c" }, "application/json");
    expect((await bundle.get("/topics/lab.c")).body.partitions).toHaveLength(3);
  });

  it("GET /health answers 503 when the log is gone", async () => {
    const bundle = await setup();
    await bundle.log.close();
    expect(await bundle.get("/health")).toMatchObject({ status: 503, body: { error_code: 50301 } });
  });
});

describe("produce", () => {
  it("answers the offsets in Karapace's shape", async () => {
    await using bundle = await setup();
    const records = [
      { value: "str", partition: 1 },
      { value: { p: 1 }, partition: 0 },
      { value: 42, partition: 1 },
    ];
    const { status, body } = await bundle.post("/topics/lab.k", { records });
    expect(status).toBe(200);
    expect(body).toEqual({
      key_schema_id: null,
      offsets: [
        { partition: 1, offset: 0 },
        { partition: 0, offset: 0 },
        { partition: 1, offset: 1 },
      ],
      value_schema_id: null,
    });
  });

  it("takes the partition from the path, and content types with parameters in any case", async () => {
    await using bundle = await setup();
    const type = "Application/vnd.kafka.Binary.v2+json; charset=utf-8";
    const { body } = await bundle.post("/topics/lab.k/partitions/1", { records: [{ value: "AAEC" }] }, type);
    expect(body.offsets).toEqual([{ partition: 1, offset: 0 }]);
  });

  it("chooses the partition of a key as Kafka's clients do", async () => {
    await using bundle = await setup({ topics: { "lab.k": 1_000 }, partitionsMax: 1_000 });
    // Kafka's own test values of Utils.murmur2, without the sign bit, modulo 1,000.
    const expected = { "21": 340, foobar: 166, "a-little-bit-long-string": 112, abc: 107 };
    const records = Object.keys(expected).map((key) => ({ key: btoa(key), value: "" }));
    const { body } = await bundle.post("/topics/lab.k", { records }, BINARY);
    expect(body.offsets.map(({ partition }: { partition: number }) => partition)).toEqual(Object.values(expected));
  });

  it("spreads records without a key over the partitions", async () => {
    await using bundle = await setup();
    const { body } = await bundle.post("/topics/lab.k", { records: [{ value: 1 }, { value: 2 }, { value: 3 }] });
    expect(body.offsets.map(({ partition }: { partition: number }) => partition)).toEqual([0, 1, 0]);
  });

  it("answers for each record whether its partition exists (case 8)", async () => {
    await using bundle = await setup();
    const records = [
      { value: 1, partition: 0 },
      { value: 2, partition: 77 },
      { value: 3, partition: -1 },
    ];
    const { status, body } = await bundle.post("/topics/lab.k", { records });
    const error = "This request is for a topic or partition that does not exist on this broker.";
    expect(status).toBe(200);
    expect(body.offsets).toEqual([
      { partition: 0, offset: 0 },
      { error_code: 40402, error },
      { error_code: 40402, error },
    ]);
  });

  it("refuses only the record that is too large (case 16)", async () => {
    await using bundle = await setup({ recordBytesMax: 10 });
    const records = ["x".repeat(10), "x".repeat(11), "é".repeat(6), ""].map((value) => ({
      value: Buffer.from(value).toString("base64"),
      partition: 0,
    }));
    const { body } = await bundle.post("/topics/lab.k", { records }, BINARY);
    expect(body.offsets).toMatchObject([{ offset: 0 }, { error_code: 413 }, { error_code: 413 }, { offset: 1 }]);
  });

  it("counts headers and keys among a record's bytes", async () => {
    await using bundle = await setup({ recordBytesMax: 10 });
    const headers = [{ key: "name", value: btoa("four") }];
    const records = [
      { key: btoa("ab"), headers },
      { key: btoa("abc"), headers },
    ];
    const { body } = await bundle.post("/topics/lab.k", { records }, BINARY);
    expect(body.offsets[0].error_code).toBeUndefined();
    expect(body.offsets[1]).toMatchObject({ error_code: 413 });
  });
});

describe("refusals", () => {
  it.each([
    ["GET", "/topics/lab.nosuch", 404, 40401, "Topic lab.nosuch not found"],
    ["GET", "/topics/lab.nosuch/partitions", 404, 40401, "Topic lab.nosuch not found"],
    ["GET", "/topics/lab.k/partitions/2", 404, 40402, "Partition 2 not found"],
    ["GET", "/topics/lab.k/partitions/x/offsets", 404, 40402, "Partition x not found"],
    ["GET", "/nowhere", 404, 404, "HTTP 404 Not Found"],
    ["DELETE", "/topics/lab.k", 405, 405, "HTTP 405 Method Not Allowed"],
    ["GET", "/partitions/records", 405, 405, "HTTP 405 Method Not Allowed"],
  ])("%s %s is %i with code %i", async (method, path, status, error_code, message) => {
    await using bundle = await setup();
    const answer = await bundle.get(path, { method });
    expect([answer.status, answer.body]).toEqual([status, { error_code, message }]);
    if (status === 405) expect(answer.headers.get("allow")).toBeTruthy();
  });

  it.each([
    ["an unknown topic", "/topics/lab.nosuch", '{"records":[{"value":1}]}', JSON_RECORDS, 404, 40401],
    [
      "an unknown partition in the path",
      "/topics/lab.k/partitions/9",
      '{"records":[{"value":1}]}',
      JSON_RECORDS,
      404,
      40402,
    ],
    ["a text format", "/topics/lab.k", '{"records":[{"value":"t"}]}', "application/vnd.kafka.text.v2+json", 415, 415],
    ["no format", "/topics/lab.k", '{"records":[{"value":"t"}]}', "application/json", 415, 415],
    ["broken JSON", "/topics/lab.k", "{bad", JSON_RECORDS, 400, 400],
    ["an empty body", "/topics/lab.k", "", JSON_RECORDS, 400, 400],
    ["no records", "/topics/lab.k", '{"records":[]}', JSON_RECORDS, 422, 422],
    ["other members", "/topics/lab.k", '{"records":[{"value":1,"valeu":2}]}', JSON_RECORDS, 422, 422],
    [
      "a partition in path and record",
      "/topics/lab.k/partitions/1",
      '{"records":[{"value":1,"partition":0}]}',
      JSON_RECORDS,
      422,
      422,
    ],
    ["what is not base64", "/topics/lab.k", '{"records":[{"value":"@@not base64@@"}]}', BINARY, 422, 422],
    [
      "a header that is not base64",
      "/topics/lab.k",
      '{"records":[{"value":"","headers":[{"key":"b","value":"@@@"}]}]}',
      BINARY,
      422,
      422,
    ],
  ])("POST with %s is refused whole", async (_, path, body, type, status, error_code) => {
    await using bundle = await setup();
    const answer = await bundle.post(path, body, type);
    expect([answer.status, answer.body.error_code]).toEqual([status, error_code]);
    expect(await bundle.log.offsets("lab.k", 1)).toEqual({ begin: 0, end: 0 });
  });

  it("POST refuses bodies and record counts beyond its limits with 413", async () => {
    await using bundle = await setup({ bodyBytesMax: 100, produceRecordsMax: 2 });
    const many = { records: [{ value: 1 }, { value: 2 }, { value: 3 }] };
    expect(await bundle.post("/topics/lab.k", many)).toMatchObject({ status: 413, body: { error_code: 413 } });
    const long = { records: [{ value: "x".repeat(100) }] };
    expect(await bundle.post("/topics/lab.k", long)).toMatchObject({ status: 413, body: { error_code: 413 } });
    const declared = bundle.post("/topics/lab.k", many, JSON_RECORDS, { "content-length": "101" });
    expect(await declared).toMatchObject({ status: 413 });
  });

  it("answers 406 with 40601 to a format it does not give", async () => {
    await using bundle = await setup();
    const body = { partitions: [{ topic: "lab.k", partition: 0, offset: 0 }] };
    const read = (accept: string) => bundle.post("/partitions/records", body, BINARY, { accept });
    expect(await read(JSON_RECORDS)).toMatchObject({ status: 406, body: { error_code: 40601 } });
    expect(await read(`${BINARY};q=0, text/html`)).toMatchObject({ status: 406 });
    expect(await read(`text/html, ${BINARY}; q=0.5`)).toMatchObject({ status: 200 });
    expect(await read("*/*")).toMatchObject({ status: 200 });
  });
});

describe("GET /partitions", () => {
  it("does not answer from memory what a log that is gone cannot hold", async () => {
    await using bundle = await setup();
    expect((await bundle.get("/partitions?topic=lab.k")).body).toMatchObject({ topics: [{ name: "lab.k" }] });
    const gone = () => Promise.reject(new LogError("unreachable", "gone"));
    const app = createGateway({ ...bundle.log, ping: gone });
    expect((await app.request("/partitions?topic=lab.k")).status).toBe(503);
  });
});
