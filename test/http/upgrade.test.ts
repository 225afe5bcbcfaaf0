// Records of a newer release wait, parked, until this service is that release; those of an older one are brought up to date
// or, where no way leads there, wait as well. Each is the operation it always was.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { mintOperationId } from "../../src/domain/operation-id.ts";
import type { Flow, OperationType } from "../../src/flows/define.ts";
import { flows } from "../../src/flows/index.ts";
import { nodeEntropy } from "../../src/runtime/entropy-node.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { ID_SECRET, type ServiceUnderTest, startService } from "../support/service.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { WAYS } from "../support/ways.ts";
import { append, record } from "./foreign-records.ts";

const TOPICS = Object.fromEntries(flows.map(({ topic }) => [topic, 1]));
const memory = flows.find(({ name }) => name === "memory")!;
const create = memory.types.create!;
const input = create.input as z.ZodObject;

/** The product's flows with another version of memory.create. */
function release(changed: Partial<OperationType>): readonly Flow[] {
  const types = { ...memory.types, create: { ...create, ...changed } };
  return flows.map((flow) => (flow === memory ? { ...memory, types } : flow));
}

const SECOND = release({
  version: 2,
  input: input.extend({ mood: z.string() }),
  inputsBefore: { 1: input },
  upcasts: { 1: (data) => ({ ...data, mood: "calm" }) },
});

/** The second one, with no way from the first. */
const ESTRANGED = release({ version: 2, input: input.extend({ mood: z.string() }) });

function ours(version: number, id: string, data: object = {}) {
  const minted = mintOperationId(Date.now(), id.padEnd(11, "0"), "default", nodeEntropy(ID_SECRET, undefined).macs[0]);
  const dataschema = `urn:tidegate:memory.create:${version}`;
  const whole = { id, user: "u", content: `content of ${id}`, ...data };
  return record({ id: minted, source: "/tidegate", tenant: "default", dataschema, data: whole });
}

const parked = async (service: ServiceUnderTest) =>
  (await service.get("/v1/parked")).body.items as { record: string; reason: string; detail: string }[];

describe.each(WAYS)("an upgrade on the path $path", ({ options, status }) => {
  it.each([
    { from: "this release", to: "the second", before: flows, after: SECOND, version: 2, said: /version 2 is unknown/ },
    {
      from: "an estranged one",
      to: "the second",
      before: ESTRANGED,
      after: SECOND,
      version: 1,
      said: /1 is incompatible/,
    },
  ])("from $from to $to takes parked records up by replay", async ({ before, after, version, said }) => {
    using folder = tempFolder();
    await using gateway = await gatewayBundle({ topics: TOPICS });
    const path = folder.path("graph.sqlite");
    const sent = ours(version, "a", version === 2 ? { mood: "keen" } : {});
    {
      await using service = await startService({ ...options, gateway, path, flows: before });
      await append(service, sent);
      await service.tickToRest();
      expect(await parked(service)).toMatchObject([{ reason: "unknown_version", detail: expect.stringMatching(said) }]);
      expect((await service.get("/v1/check")).body).toMatchObject({ closed: true });
    }
    await using service = await startService({ ...options, gateway, path, flows: after });
    expect((await service.post("/v1/parked/memory-operations/0/0/replay", {})).status).toBe(status);
    await service.tickToRest();
    expect(await parked(service)).toEqual([]);
    expect((await service.get("/v1/memories/a")).body).toMatchObject({
      content: "content of a",
      mood: version === 2 ? "keen" : "calm",
    });
    expect((await service.get(`/v1/operations/${sent.id}`)).body).toMatchObject({
      state: "applied",
      stamp: sent.stamp,
    });
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true });
  });
});
