// What a query found is what the tenant has: a key that may not read is shown it only in the answer to a query that it was
// given by name.
import { describe, expect, it } from "vitest";
import { apiKeys, bearer } from "../support/keys.ts";
import { type Answered, read, type ServiceUnderTest, startService } from "../support/service.ts";
import { waitFor } from "../support/tidegate-process.ts";
import { WAYS } from "../support/ways.ts";

const READER = ["memory:*", "read"];
const ALL = ["admin"];
/** Keys that may not read; the first two were given the query by name. */
const BLIND = { asker: ["memory:query"], both: ["memory:query", "operations:*"], flow: ["memory:*"] };
const BLINDER = { every: ["operations:*"], other: ["session:create"], wrong: ["session:query", "memory:*"] };
const SCOPES_OF = { reader: READER, admin: ALL, ...BLIND, ...BLINDER };
const API_KEYS = apiKeys(
  Object.fromEntries(Object.entries(SCOPES_OF).map(([name, scopes]) => [name, ["t", ...scopes]])),
);

const NAMES = Object.keys(SCOPES_OF);
const ASKING = NAMES.filter((name) => name !== "other");
const MAY_READ = ["reader", "admin"];
const SEES_ITS_ANSWER = [...MAY_READ, "asker", "both"];

const FOUND = { items: [{ id: "m", content: "secret" }] };

const start = async (options: (typeof WAYS)[number]["options"]): Promise<ServiceUnderTest> => {
  const service = await startService({ ...options, env: { ...options.env, API_KEYS } });
  await service.post("/v1/memory/create", { id: "m", user: "u", content: "secret" }, bearer("admin"));
  await service.tickToRest();
  return service;
};

/** The answer of a request that waits, with ticks as long as it does. */
async function waited(service: ServiceUnderTest, asked: Promise<Answered>): Promise<Answered> {
  let answered = false;
  const done = (): void => {
    answered = true;
  };
  asked.then(done, done);
  await waitFor("the answer", 10_000, async () => {
    await service.tickToRest();
    return answered;
  });
  return asked;
}

/** Names of the keys for which the body that they are answered holds what the query found. */
async function shownTo(names: readonly string[], look: (name: string) => Promise<unknown>): Promise<string[]> {
  const shown: string[] = [];
  for (const name of names) {
    const seen = await look(name);
    if (JSON.stringify(seen).includes("secret")) shown.push(name);
    else expect(JSON.stringify(seen), name).not.toContain('"result"');
  }
  return shown;
}

describe.each(WAYS)("what a query found, on the path $path", ({ options, path }) => {
  const query = (service: ServiceUnderTest, name: string, headers = {}): Promise<Answered> =>
    service.post("/v1/memory/query", {}, { ...bearer(name), ...headers });

  it("is in the waited answer of those who may read, and of those who were given the query by name", async () => {
    await using service = await start(options);
    const look = async (name: string) => {
      const { status, body } = await waited(service, query(service, name, { prefer: "wait=30" }));
      expect([status, body.outcome, body.flow], name).toEqual([200, "applied", "memory"]);
      return body;
    };
    expect((await look("reader")).result).toMatchObject(FOUND);
    expect((await look("asker")).result).toMatchObject(FOUND);
    expect((await shownTo(ASKING, look)).sort()).toEqual([...SEES_ITS_ANSWER].sort());
  });

  it("is in an answer at once, singly and in a batch, to the same keys", async () => {
    await using service = await start(options);
    const isAtOnce = path !== "kafka";
    const wanted = isAtOnce ? [...SEES_ITS_ANSWER].sort() : [];
    const single = async (name: string) => (await query(service, name)).body;
    expect((await shownTo(ASKING, single)).sort()).toEqual(wanted);
    const batch = async (name: string) => {
      const { body } = await service.post(
        "/v1/operations",
        [{ flow: "memory", type: "query", data: {} }],
        bearer(name),
      );
      expect(body).toMatchObject([{ status: isAtOnce ? 200 : 202 }]);
      return body;
    };
    expect((await shownTo(ASKING, batch)).sort()).toEqual(wanted);
  });

  it("is in what became of the operation only for those who may read, whoever asked", async () => {
    await using service = await start(options);
    for (const asking of ["admin", "asker"]) {
      const { id } = (await query(service, asking)).body;
      await service.tickToRest();
      const one = async (name: string) => {
        const { body } = await read(await service.request(`/v1/operations/${id}`, { headers: bearer(name) }));
        expect(body, name).toMatchObject({ id, state: "applied", flow: "memory", type: "query" });
        return body;
      };
      const many = async (name: string) => {
        const { body } = await service.post("/v1/operations/statuses", [id, "nobody's"], bearer(name));
        expect(body, name).toMatchObject([{ id, state: "applied" }, null]);
        return body;
      };
      const events = async (name: string) => {
        const text = await (await service.request(`/v1/operations/${id}/events`, { headers: bearer(name) })).text();
        expect(text, name).toContain('"state":"applied"');
        return JSON.parse(/^data: (.*)$/m.exec(text)![1]!);
      };
      expect((await one("reader")).result).toMatchObject(FOUND);
      for (const look of [one, many, events]) expect(await shownTo(NAMES, look)).toEqual(MAY_READ);
    }
  });
});
