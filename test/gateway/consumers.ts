// What consumer instances of the v2 dialect have to keep, whatever log the gateway stands on. Answers stand beside
// those that Karapace 5.0.3 gave to the same requests; where the gateway is better, the test says how.
import { describe, expect, it } from "vitest";
import type { GatewayOptions } from "../../src/gateway/options.ts";
import type { GatewayBundle } from "../support/gateway-bundle.ts";

const META = "application/vnd.kafka.v2+json";
const BINARY = "application/vnd.kafka.binary.v2+json";
const JSON_RECORDS = "application/vnd.kafka.json.v2+json";

/** Makes a gateway with topics `t` of two partitions and `u` of one. */
export type MakeGateway = (options?: GatewayOptions) => Promise<GatewayBundle>;

let counter = 0;

async function setup(make: MakeGateway, options: GatewayOptions = {}) {
  const bundle = await make(options);
  const group = `g${Date.now()}-${counter++}`;
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await bundle.app.request(path, {
      method,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      headers: { ...(body === undefined ? {} : { "content-type": META }), ...headers },
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  };
  const at = (name: string, path = "") => `/consumers/${group}/instances/${name}${path}`;
  return {
    ...bundle,
    group,
    call,
    at,
    create: (name: string, more: object = {}) =>
      call("POST", `/consumers/${group}`, {
        name,
        format: "json",
        "auto.offset.reset": "earliest",
        "auto.commit.enable": "false",
        ...more,
      }),
    produce: (records: object[], topic = "t", type = JSON_RECORDS) =>
      call("POST", `/topics/${topic}`, { records }, { "content-type": type }),
    read: (name: string, query = "timeout=0", accept = JSON_RECORDS) =>
      call("GET", `${at(name, "/records")}?${query}`, undefined, { accept }),
    subscribe: (name: string, topics = ["t"]) => call("POST", at(name, "/subscription"), { topics }),
    assign: (name: string, partitions: object[]) => call("POST", at(name, "/assignments"), { partitions }),
  };
}

const place = (partition: number, topic = "t") => ({ topic, partition });
const values = ({ body }: { body: { value: unknown }[] }) => body.map(({ value }) => value);

/** Holds consumer instances to what they promise. */
export function consumerContract(name: string, make: MakeGateway): void {
  describe(`consumer instances on ${name}`, () => {
    lifeCases(make);
    readCases(make);
    positionCases(make);
    commitCases(make);
    shareCases(make);
  });
}

function lifeCases(make: MakeGateway): void {
  it("are made, refused a second time under the same name (case 2), and deleted once", async () => {
    await using gateway = await setup(make);
    const made = await gateway.create("c1");
    expect(made).toEqual({
      status: 200,
      body: {
        instance_id: "c1",
        base_uri: expect.stringMatching(new RegExp(`/consumers/${gateway.group}/instances/c1$`)),
      },
    });
    expect(await gateway.create("c1")).toEqual({
      status: 409,
      body: { error_code: 40902, message: "Consumer c1 already exists" },
    });
    expect(await gateway.call("DELETE", gateway.at("c1"))).toEqual({ status: 204, body: undefined });
    expect(await gateway.call("DELETE", gateway.at("c1"))).toMatchObject({ status: 404, body: { error_code: 40403 } });
    expect(await gateway.read("c1")).toMatchObject({ status: 404, body: { error_code: 40403 } });
  });

  it("get a name when they bring none, and refuse settings that do not exist", async () => {
    await using gateway = await setup(make);
    const made = await gateway.call("POST", `/consumers/${gateway.group}`, {});
    expect(made.body.instance_id).toMatch(/^tidegate-/);
    for (const wrong of [
      { format: "avro" },
      { "auto.offset.reset": "none" },
      { name: "a/b" },
      { "auto.commit.enable": "maybe" },
    ]) {
      const answer = await gateway.call("POST", `/consumers/${gateway.group}`, wrong);
      expect(answer, JSON.stringify(wrong)).toMatchObject({ status: 422, body: { error_code: 42204 } });
    }
  });

  it("are bounded in number", async () => {
    await using gateway = await setup(make, { consumersMax: 1 });
    await gateway.create("c1");
    expect(await gateway.create("c2")).toMatchObject({ status: 429, body: { error_code: 429 } });
    await gateway.call("DELETE", gateway.at("c1"));
    expect(await gateway.create("c2")).toMatchObject({ status: 200 });
  });

  it("are gone when nobody used them (case 1)", async () => {
    await using gateway = await setup(make, { consumerIdleMs: 20 });
    await gateway.create("c1");
    await expect.poll(async () => (await gateway.create("c1")).status, { timeout: 10_000, interval: 60 }).toBe(200);
  });
}

function readCases(make: MakeGateway): void {
  it("read what they subscribe to, in both formats, with keys, headers and timestamps", async () => {
    await using gateway = await setup(make);
    await gateway.produce([
      { key: { id: 1 }, value: { a: 1 }, partition: 0, timestamp: 1_700_000_000_000 },
      { value: null, partition: 0 },
    ]);
    await gateway.create("c1");
    expect((await gateway.subscribe("c1")).status).toBe(204);
    expect((await gateway.call("GET", gateway.at("c1", "/subscription"))).body).toEqual({ topics: ["t"] });
    expect(await gateway.read("c1", "timeout=3000&max_bytes=300000")).toEqual({
      status: 200,
      body: [
        { topic: "t", key: { id: 1 }, value: { a: 1 }, partition: 0, offset: 0, timestamp: 1_700_000_000_000 },
        { topic: "t", key: null, value: null, partition: 0, offset: 1, timestamp: expect.any(Number) },
      ],
    });
    expect(await gateway.read("c1")).toEqual({ status: 200, body: [] });
    await gateway.produce([{ key: "azE=", value: "AP8=", headers: [{ key: "h", value: "djE=" }] }], "u", BINARY);
    await gateway.create("c2", { format: "binary" });
    await gateway.subscribe("c2", ["u"]);
    expect((await gateway.read("c2", "timeout=1000", BINARY)).body).toMatchObject([
      { topic: "u", key: "azE=", value: "AP8=", headers: [{ key: "h", value: "djE=" }], partition: 0, offset: 0 },
    ]);
  });

  it("refuse a format that is not theirs", async () => {
    await using gateway = await setup(make);
    await gateway.create("c1");
    expect(await gateway.read("c1", "timeout=0", BINARY)).toEqual({
      status: 406,
      body: { error_code: 40601, message: "Consumer format json does not match the embedded format binary" },
    });
  });

  it.each([
    ["no JSON", "{bad"],
    ["nested too deeply to be written again", `${"[".repeat(200_000)}${"]".repeat(200_000)}`],
  ])(
    "deliver what comes before a record that is %s, and keep it at the head rather than lose its batch (case 14)",
    async (_, poison) => {
      await using gateway = await setup(make);
      await gateway.produce([{ value: btoa("1") }, { value: btoa(poison) }, { value: btoa("3") }], "u", BINARY);
      await gateway.create("c1");
      await gateway.subscribe("c1", ["u"]);
      expect(values(await gateway.read("c1", "timeout=1000"))).toEqual([1]);
      for (let again = 0; again < 2; again++) {
        const answer = await gateway.read("c1");
        expect(answer).toMatchObject({
          status: 422,
          body: { message: expect.stringMatching(/json.*u\/0 at offset 1/) },
        });
      }
      await gateway.call("POST", gateway.at("c1", "/positions"), { offsets: [{ ...place(0, "u"), offset: 2 }] });
      expect(values(await gateway.read("c1"))).toEqual([3]);
    },
  );

  it("deliver a record that is larger than max_bytes (case 15)", async () => {
    await using gateway = await setup(make);
    await gateway.produce([{ value: "x".repeat(5_000) }, { value: "y" }], "u");
    await gateway.create("c1");
    await gateway.subscribe("c1", ["u"]);
    expect(values(await gateway.read("c1", "timeout=0&max_bytes=10"))).toEqual(["x".repeat(5_000)]);
    expect(values(await gateway.read("c1", "timeout=0&max_bytes=10"))).toEqual(["y"]);
  });

  it("wait for a record no longer than their request timeout", async () => {
    await using gateway = await setup(make);
    await gateway.create("c1", { "consumer.request.timeout.ms": 50 });
    await gateway.subscribe("c1");
    const began = performance.now();
    expect((await gateway.read("c1", "timeout=30000")).body).toEqual([]);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("subscribe by a pattern of names, and by no other expression", async () => {
    await using gateway = await setup(make);
    await gateway.create("c1");
    const pattern = (topic_pattern: string) =>
      gateway.call("POST", gateway.at("c1", "/subscription"), { topic_pattern });
    for (const wrong of ["(a+)+$", "[tu]", "a{1000}", ".*.*.*.*"]) expect((await pattern(wrong)).status).toBe(422);
    expect((await pattern("u.*|nothing")).status).toBe(204);
    await gateway.produce([{ value: 1 }], "u");
    await gateway.produce([{ value: 2 }], "t");
    expect(values(await gateway.read("c1", "timeout=1000"))).toEqual([1]);
  });
}

function positionCases(make: MakeGateway): void {
  it("read assigned partitions from positions they are given", async () => {
    await using gateway = await setup(make);
    await gateway.produce([0, 1, 2, 3].map((value) => ({ value, partition: 0 })));
    await gateway.produce([{ value: "other", partition: 1 }]);
    await gateway.create("c1");
    expect((await gateway.assign("c1", [place(0)])).status).toBe(204);
    expect((await gateway.call("GET", gateway.at("c1", "/assignments"))).body).toEqual({ partitions: [place(0)] });
    const go = (path: string, body: object) => gateway.call("POST", gateway.at("c1", path), body);
    expect((await go("/positions", { offsets: [{ ...place(0), offset: 2 }] })).status).toBe(204);
    expect(values(await gateway.read("c1"))).toEqual([2, 3]);
    await go("/positions/beginning", { partitions: [place(0)] });
    expect(values(await gateway.read("c1"))).toEqual([0, 1, 2, 3]);
    await go("/positions/beginning", { partitions: [place(0)] });
    await go("/positions/end", { partitions: [place(0)] });
    expect(values(await gateway.read("c1"))).toEqual([]);
    await go("/positions", { timestamps: [{ ...place(0), timestamp: "2020-01-01T00:00:00Z" }] });
    expect(values(await gateway.read("c1"))).toEqual([0, 1, 2, 3]);
    const elsewhere = await go("/positions", { offsets: [{ ...place(1), offset: 0 }] });
    expect(elsewhere).toMatchObject({ status: 409, body: { error_code: 40903 } });
  });

  it("begin an assigned partition where their own setting says, wherever others of the group began", async () => {
    await using gateway = await setup(make);
    await gateway.produce([{ value: 1 }, { value: 2 }], "u");
    await gateway.create("late", { "auto.offset.reset": "latest" });
    await gateway.subscribe("late", ["u"]);
    await gateway.create("early");
    await gateway.assign("early", [place(0, "u")]);
    expect(values(await gateway.read("early", "timeout=1000"))).toEqual([1, 2]);
  });

  it.each([
    ["earliest", [1, 2, 3]],
    ["latest", [3]],
  ])("that lie beyond the end of the log begin again at the %s record", async (reset, expected) => {
    await using gateway = await setup(make);
    await gateway.produce([{ value: 1 }, { value: 2 }], "u");
    await gateway.log.commit(gateway.group, [{ ...place(0, "u"), offset: 50, metadata: "" }]);
    await gateway.create("c1", { "auto.offset.reset": reset });
    await gateway.subscribe("c1", ["u"]);
    expect(values(await gateway.read("c1"))).toEqual([]);
    await gateway.produce([{ value: 3 }], "u");
    expect(values(await gateway.read("c1", "timeout=1000"))).toEqual(expected);
  });

  it("refuse names that no topic can have", async () => {
    await using gateway = await setup(make);
    await gateway.create("c1");
    expect((await gateway.assign("c1", [place(0, "x".repeat(250))])).status).toBe(422);
    expect((await gateway.subscribe("c1", ["a/b"])).status).toBe(422);
  });

  it("do not subscribe and assign at the same time", async () => {
    await using gateway = await setup(make);
    await gateway.create("c1");
    await gateway.subscribe("c1");
    expect(await gateway.assign("c1", [place(0)])).toMatchObject({ status: 409, body: { error_code: 40903 } });
    expect((await gateway.call("DELETE", gateway.at("c1", "/subscription"))).status).toBe(204);
    expect((await gateway.assign("c1", [place(0)])).status).toBe(204);
    expect(await gateway.subscribe("c1")).toMatchObject({ status: 409, body: { error_code: 40903 } });
    const both = await gateway.call("POST", gateway.at("c1", "/subscription"), { topics: ["t"], topic_pattern: "t" });
    expect(both).toMatchObject({ status: 409, body: { error_code: 40903 } });
    expect(await gateway.call("POST", gateway.at("c1", "/subscription"), {})).toMatchObject({ status: 422 });
  });

  it("that begin at the end miss nothing that comes after they subscribed", async () => {
    await using gateway = await setup(make);
    await gateway.produce([{ value: "before" }], "u");
    await gateway.create("c1", { "auto.offset.reset": "latest" });
    await gateway.subscribe("c1", ["u"]);
    await gateway.produce([{ value: "after" }], "u");
    expect(values(await gateway.read("c1", "timeout=1000"))).toEqual(["after"]);
  });
}

function commitCases(make: MakeGateway): void {
  it("commit the last offset processed, which stores the next one, and the next instance goes on there", async () => {
    await using gateway = await setup(make);
    await gateway.produce(
      [0, 1, 2].map((value) => ({ value })),
      "u",
    );
    await gateway.create("c1");
    await gateway.subscribe("c1", ["u"]);
    await gateway.read("c1", "timeout=1000");
    const commit = await gateway.call("POST", gateway.at("c1", "/offsets"), {
      offsets: [{ ...place(0, "u"), offset: 1 }],
    });
    expect(commit.status).toBe(200);
    const committed = await gateway.call("GET", `${gateway.at("c1", "/offsets")}?partition=u/0&partition=t/0`);
    expect(committed.body).toEqual({ offsets: [{ topic: "u", partition: 0, offset: 2, metadata: "" }] });
    await gateway.call("DELETE", gateway.at("c1"));
    await gateway.create("c2");
    await gateway.subscribe("c2", ["u"]);
    expect(values(await gateway.read("c2", "timeout=1000"))).toEqual([2]);
  });

  it("commit without a body what was delivered, before they answer (case 38)", async () => {
    await using gateway = await setup(make);
    await gateway.produce(
      [0, 1].map((value) => ({ value })),
      "u",
    );
    await gateway.create("c1");
    await gateway.subscribe("c1", ["u"]);
    await gateway.read("c1", "timeout=1000");
    await gateway.produce([{ value: "not delivered" }], "u");
    expect((await gateway.call("POST", gateway.at("c1", "/offsets"))).status).toBe(200);
    expect((await gateway.call("GET", gateway.at("c1", "/offsets"))).body.offsets).toMatchObject([{ offset: 2 }]);
  });

  it("refuse to commit what does not exist", async () => {
    await using gateway = await setup(make);
    await gateway.create("c1");
    const commit = (at: object) =>
      gateway.call("POST", gateway.at("c1", "/offsets"), { offsets: [{ ...at, offset: 1 }] });
    expect(await commit(place(9))).toMatchObject({ status: 404, body: { error_code: 40402 } });
    expect(await commit(place(0, "nowhere"))).toMatchObject({ status: 404, body: { error_code: 40401 } });
  });

  it("refuse an offset whose next one is none", async () => {
    await using gateway = await setup(make);
    await gateway.create("c1");
    const offsets = [{ ...place(0, "u"), offset: Number.MAX_SAFE_INTEGER }];
    expect((await gateway.call("POST", gateway.at("c1", "/offsets"), { offsets })).status).toBe(422);
    expect((await gateway.call("GET", gateway.at("c1", "/offsets?partition=u/0"))).body).toEqual({ offsets: [] });
  });

  it("that commit by themselves have committed what they delivered when they are deleted", async () => {
    await using gateway = await setup(make);
    await gateway.produce([{ value: 1 }], "u");
    await gateway.create("c1", { "auto.commit.enable": "true" });
    await gateway.subscribe("c1", ["u"]);
    await gateway.read("c1", "timeout=1000");
    await gateway.call("DELETE", gateway.at("c1"));
    const [committed] = await gateway.log.committed(gateway.group, [place(0, "u")]);
    expect(committed).toMatchObject({ offset: 1 });
  });
}

function shareCases(make: MakeGateway): void {
  it("of one group share the partitions, and the one that is left takes all of them without a gap", async () => {
    await using gateway = await setup(make);
    await gateway.create("a", { "auto.offset.reset": "latest" });
    await gateway.subscribe("a");
    await gateway.create("b", { "auto.offset.reset": "latest" });
    await gateway.subscribe("b");
    const produce = (round: number) =>
      gateway.produce([0, 1].map((partition) => ({ value: `${round}-${partition}`, partition })));
    await produce(1);
    const seen = [...values(await gateway.read("a", "timeout=500")), ...values(await gateway.read("b", "timeout=500"))];
    expect(seen.toSorted()).toEqual(["1-0", "1-1"]);
    const others = values(await gateway.read("b", "timeout=0"));
    expect(others).toEqual([]);
    await produce(2);
    await gateway.call("DELETE", gateway.at("b"));
    const left = [...values(await gateway.read("a", "timeout=500")), ...values(await gateway.read("a", "timeout=0"))];
    // Nothing was committed for b's partition, so it is read again from where b began: at least once.
    expect(left).toEqual(expect.arrayContaining(["2-0", "2-1"]));
  });
}
