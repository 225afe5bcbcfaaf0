// Roles of a Worker: an api accepts and answers and does not consume, neither by cron nor by the object's alarm; a consumer
// takes no operations.
import type { DurableObjectState } from "@cloudflare/workers-types";
import { afterEach, describe, expect, it, vi } from "vitest";
import { topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { openFileSql } from "../../src/sql/file.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { expectProblem } from "../support/problem.ts";
import { ID_SECRET, openTestDatabase, read } from "../support/service.ts";

const embedded = vi.hoisted(() => ({ log: undefined as unknown, database: undefined as unknown }));
// The platform's own modules are only there, and so are its storage and the modules that the bundle makes of schemas.
vi.mock("cloudflare:workers", () => ({
  DurableObject: class {
    ctx: unknown;
    env: unknown;
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx;
      this.env = env;
    }
  },
}));
vi.mock("../../src/runtime/cloudflare/embedded.ts", () => ({
  embeddedLog: async () => embedded.log,
  embeddedDatabase: () => embedded.database,
}));

const { TidegateObject } = await import("../../src/runtime/cloudflare/object.ts");

const URL = "http://worker.test";
const JSON_TYPE = { "content-type": "application/json" };

/** An object with everything in it, and what became of its alarm and its log. */
async function startObject(env: Readonly<Record<string, string>>) {
  const gateway = await gatewayBundle({ topics: Object.fromEntries(topicsOf(flows).map((name) => [name, 1])) });
  const storage = { setAlarm: vi.fn(async () => undefined), getAlarm: async () => null };
  const trim = vi.fn(async () => undefined);
  embedded.log = { broker: gateway.broker, trim };
  embedded.database = openTestDatabase(() => openFileSql(":memory:"));
  const bindings = { TIDEGATE: {} as never, ID_SECRET, AUTH: "none", TICK_ALARM_MS: "1000", ...env };
  const object = new TidegateObject({ storage } as unknown as DurableObjectState, bindings);
  const post = async (path: string, data: unknown = {}) => {
    const init = { method: "POST", headers: JSON_TYPE, body: JSON.stringify(data) };
    return read(await object.fetch(new Request(URL + path, init)));
  };
  const remember = async () => (await post("/v1/memory/create", { id: "k", user: "u", content: "c" })).body;
  const stateOf = async (id: string) =>
    (await read(await object.fetch(new Request(`${URL}/v1/operations/${id}`)))).body.state;
  return {
    ...{ object, gateway, storage, trim, post, remember, stateOf },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

afterEach(() => void vi.restoreAllMocks());

describe("a Worker's object with ROLE=api", () => {
  it("accepts, and neither cron nor an alarm consumes", async () => {
    await using started = await startObject({ ROLE: "api" });
    const { object, storage, trim, remember, stateOf } = started;
    const { id, path } = await remember();
    expect(path).toBe("kafka");
    expect(await object.tick(0)).toMatchObject({ records: 0, more: false, failures: [] });
    await object.alarm();
    expect(await stateOf(id)).toBe("pending");
    expect(storage.setAlarm).not.toHaveBeenCalled();
    // Where the log lies somebody has to keep it within its bounds, as on Node.
    expect(trim).toHaveBeenCalled();
  });

  it("ticks when it is asked to", async () => {
    await using started = await startObject({ ROLE: "api" });
    const { post, remember, stateOf } = started;
    const { id } = await remember();
    expect((await post("/v1/tick")).body).toMatchObject({ records: 1 });
    expect(await stateOf(id)).toBe("applied");
  });
});

describe("a Worker's object with ROLE=consumer", () => {
  it("takes no operations, answers for those there are, and consumes", async () => {
    await using started = await startObject({ ROLE: "consumer" });
    const { object, gateway, post } = started;
    expectProblem(await post("/v1/memory/create", { user: "u", content: "c" }), "not_found");
    vi.spyOn(console, "log").mockReturnValue();
    await gateway.broker.produce([{ topic: "memory-operations", key: "k", value: "no operation" }]);
    expect(await object.tick(0)).toMatchObject({ records: 1, parked: 1 });
    expect((await read(await object.fetch(new Request(`${URL}/v1/check`)))).body).toMatchObject({ closed: true });
  });
});

it("without a ROLE a produce sets the object's alarm, and the alarm consumes", async () => {
  await using started = await startObject({});
  const { object, storage, remember, stateOf } = started;
  const { id } = await remember();
  expect(storage.setAlarm).toHaveBeenCalledOnce();
  await object.alarm();
  expect(await stateOf(id)).toBe("applied");
});
