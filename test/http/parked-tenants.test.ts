// Parked records belong to the whole service: one decision about each at a time, whichever tenant's operator decides.
import { describe, expect, it } from "vitest";
import { apiKeys, bearer } from "../support/keys.ts";
import { expectProblem } from "../support/problem.ts";
import { read, type ServiceOptions } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";
import { at, mended, NEWER, nameOf, ours, withRecords } from "./parked-records.ts";

const TENANTS = ["acme", "globex"] as const;
const API_KEYS = apiKeys({
  ...Object.fromEntries(TENANTS.map((tenant) => [tenant, [tenant, "admin"] as const])),
  owner: ["default", "admin"],
});

async function withParked(options: ServiceOptions) {
  const bad = ours("k", NEWER);
  const service = await withRecords({ ...options, env: { ...options.env, API_KEYS } }, bad);
  return {
    bad,
    service,
    decide: (tenant: (typeof TENANTS)[number], verdict: string, body: object = {}) =>
      service.post(`${at(0)}/${verdict}`, body, bearer(tenant)),
    getAs: async (name: string, path: string) => read(await service.request(path, { headers: bearer(name) })),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

describe.each(WAYS)("deciding for two tenants on the path $path", ({ options, status }) => {
  it("whoever comes second is refused until the first decision is carried out, which then stands", async () => {
    await using desk = await withParked(options);
    const { bad, service, decide, getAs } = desk;
    const edit = { value: mended(bad) };
    const first = await decide("acme", "replay", edit);
    expect(first.status).toBe(status);
    for (const tenant of TENANTS) expectProblem(await decide(tenant, "discard"), "decision_pending");
    expectProblem(await decide("globex", "replay", edit), "decision_pending");
    expect((await service.post("/v1/parked/discard", {}, bearer("globex"))).body).toMatchObject({
      done: 0,
      refused: [{ record: await nameOf(service, 0), detail: expect.stringContaining("Another decision") }],
    });
    expect((await decide("acme", "replay", edit)).body.id).toBe(first.body.id);
    await service.tickToRest();
    expect((await getAs("owner", `/v1/operations/${bad.id}`)).body.state).toBe("applied");
    expect((await getAs("acme", `/v1/operations/${first.body.id}`)).body.state).toBe("applied");
    expect((await getAs("owner", "/v1/check")).body).toMatchObject({ closed: true });
  });

  it("another tenant's operator may decide once a replay was in vain", async () => {
    await using desk = await withParked(options);
    const { bad, service, decide, getAs } = desk;
    expect((await decide("acme", "replay")).status).toBe(status);
    await service.tickToRest();
    expect((await decide("globex", "discard")).status).toBe(status);
    expectProblem(await decide("acme", "replay"), "decision_pending");
    await service.tickToRest();
    expect((await getAs("owner", `/v1/operations/${bad.id}`)).body.state).toBe("discarded");
  });
});
