// Counter-examples of core-proof a5 about what is kept: the ledger shorter than the log, and a log that does not forget.
import { expect, test } from "vitest";
import { type ServiceUnderTest, startService } from "../support/service.ts";

const DAY_MS = 86_400_000;

const states = async (service: ServiceUnderTest, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await service.get(`/v1/operations/${id}`)).body.state));

test("#37 a purge takes rows of plain operations, never those with prepared work, and the graph does not notice", async () => {
  let nowMs = Date.now();
  const clock = () => nowMs;
  await using service = await startService({
    env: { LEDGER_RETENTION_MS: String(DAY_MS) },
    nowMs: clock,
    databaseNowMs: clock,
  });
  const session = await service.post("/v1/session/create", { id: "s", user: "u" });
  const asked = await service.post("/v1/summarization/generate", { id: "sum", session: "s" });
  await service.tickToRest();
  const dump = async () => (await service.request("/v1/dump?registers=true")).text();
  const before = await dump();
  expect(await states(service, [session.body.id, asked.body.id])).toEqual(["applied", "applied"]);

  nowMs += 2 * DAY_MS;
  await service.tickToRest();
  expect(service.sql().all("SELECT type FROM ledger ORDER BY type")).toMatchObject([
    { type: "generate" },
    { type: "generated" },
  ]);
  expect(await dump()).toBe(before);
  expect((await service.get("/v1/check")).body).toMatchObject({ closed: true });
});

test("#41 a deleted text is gone from the graph and still in the log, until the log's retention ends", async () => {
  await using service = await startService();
  await service.post("/v1/memory/create", { id: "k", user: "u", content: "a secret of mine" });
  await service.post("/v1/memory/delete", { id: "k" });
  await service.tickToRest();
  expect(await (await service.request("/v1/dump?registers=true")).text()).not.toContain("secret");
  const held = async () => {
    const from = [0, 1, 2].map((partition) => ({ topic: "memory-operations", partition, offset: 0 }));
    const reads = await service.gateway.broker.read(from, { waitMs: 0, bytesMax: 1e6, recordsMax: 100 });
    return reads.flatMap(({ records }) => records.map(({ value }) => new TextDecoder().decode(value!))).join("\n");
  };
  expect(await held()).toContain("secret");
  await service.gateway.log.trim({ ageMsMax: 0 }, Date.now() + 1, 1_000);
  expect(await held()).toBe("");
  const again = await service.post("/v1/session/create", { id: "s" });
  await service.tickToRest();
  expect(await states(service, [again.body.id])).toEqual(["applied"]);
});
