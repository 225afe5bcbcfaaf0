// Transactions of a tick side by side: never two that move the same partition, and one that fails holds up no other.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import type { Database, TransactRequest } from "../../src/ports/database.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { SAMPLES } from "./tick-samples.ts";

const RECORDS = 600;
const BATCH = 20;
const LANES = 3;

/** A service that keeps every transaction of a tick open for a turn of the event loop, and says what met what. */
async function watched(mayFail: (request: TransactRequest) => boolean = () => false) {
  const seen = { most: 0, transactions: 0, met: [] as string[] };
  const underWay = new Set<string>();
  let open = 0;
  const service = await startService({
    env: { USE_KAFKA: "true" },
    database: (inner): Database => ({
      ...inner,
      async transact(request, decide) {
        const positions = request.positions.filter((key) => key.startsWith("log/"));
        seen.met.push(...positions.filter((key) => underWay.has(key)));
        for (const key of positions) underWay.add(key);
        open += 1;
        seen.most = Math.max(seen.most, open);
        seen.transactions += 1;
        await new Promise((resolve) => setImmediate(resolve));
        try {
          if (mayFail(request)) throw new AppError("graph_unavailable", "Cannot use the database: out of order");
          await inner.transact(request, decide);
        } finally {
          open -= 1;
          for (const key of positions) underWay.delete(key);
        }
      },
    }),
  });
  const items = Array.from({ length: RECORDS }, (_, i) => SAMPLES[i % SAMPLES.length]!(i));
  const answers = await service.composed.service.accept(items, "default");
  expect(answers.filter((answer) => "problem" in answer)).toEqual([]);
  seen.transactions = 0;
  return { service, seen };
}

function tick({ composed }: ServiceUnderTest, lanes: number) {
  return composed.tick({ ...composed.budget, recordsMax: RECORDS, batchMax: BATCH, lanes, waitMs: 0 });
}

const isOfPartition = (number: number) => (key: string) => new RegExp(`^log/[^/]+/[^/]+/${number}/`).test(key);

describe("lanes of a tick", () => {
  it("apply everything, several transactions at a time, none of them of the same partition", async () => {
    const { service, seen } = await watched();
    await using _ = service;
    expect(await tick(service, LANES)).toMatchObject({ records: RECORDS, first: RECORDS, more: false, failures: [] });
    expect(seen.most).toBe(LANES);
    expect(seen.met).toEqual([]);
    await service.tickToRest();
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true });
  });

  it("are no more than there are whole transactions", async () => {
    const { service, seen } = await watched();
    await using _ = service;
    const { composed } = service;
    await composed.tick({ ...composed.budget, recordsMax: BATCH * 2, batchMax: BATCH, lanes: LANES, waitMs: 0 });
    expect(seen.most).toBe(2);
  });

  it("go on beside one that fails; the tick tells it, and the next one takes up what is left", async () => {
    const state = { isBroken: true };
    const { service } = await watched(({ positions }) => state.isBroken && positions.some(isOfPartition(1)));
    await using _ = service;
    const report = await tick(service, LANES);
    expect(report.failures).toEqual([expect.stringContaining("out of order")]);
    const positions = await service.database.agenda(service.gateway.broker.cluster, [], Date.now());
    const moved = (number: number) => positions.positions.filter(({ key }) => isOfPartition(number)(key));
    expect(moved(0).length).toBeGreaterThan(0);
    expect(moved(2).length).toBeGreaterThan(0);
    expect(moved(1)).toEqual([]);
    state.isBroken = false;
    await service.tickToRest();
    const check = (await service.get("/v1/check")).body;
    expect(check).toMatchObject({ closed: true, atRest: true });
  });
});
