// Prepared work where attempts are counted: what was taken up and could not begin is the first that the next tick begins.
import { expect, test } from "vitest";
import { startService } from "../support/service.ts";

test("a request that was leased with the last of an allowance is begun by the next tick", async () => {
  let mayAttempt = true;
  await using service = await startService({
    env: { ENABLE_KAFKA: "false" },
    mayAttempt: () => mayAttempt,
    database: (inner) => ({
      ...inner,
      async leaseRetries(...args) {
        const rows = await inner.leaseRetries(...args);
        if (rows.length > 0) mayAttempt = false;
        return rows;
      },
    }),
  });
  await service.post("/v1/session/create", { id: "s", user: "u" });
  const asked = { id: "sum", session: "s" };
  const { body } = await service.post("/v1/summarization/generate", asked, { prefer: "respond-async" });
  const stateOf = async () => (await service.get(`/v1/operations/${body.id}`)).body.state;
  await service.tickToRest();
  expect([mayAttempt, await stateOf()]).toEqual([false, "pending"]);
  mayAttempt = true;
  await service.tickToRest();
  expect(await stateOf()).toBe("applied");
});
