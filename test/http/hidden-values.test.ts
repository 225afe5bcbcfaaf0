// Answers show no more than reads do: nothing of an entity whose owner was deleted, whether or not a sweep has come by.
import { describe, expect, it } from "vitest";
import { expectProblem } from "../support/problem.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

const SECRET = "where the treasure lies";
const KEY = { "idempotency-key": "k" };
const MESSAGE = { id: "m", session: "s", user: "u", content: SECRET };

/** A message whose session is gone. */
async function orphaned(service: ServiceUnderTest, isSwept: boolean): Promise<void> {
  await service.post("/v1/session/create", { id: "s", user: "u" });
  const created = await service.post("/v1/chat-messages/create", MESSAGE, KEY);
  expect(created.body).toMatchObject({ values: { content: SECRET } });
  expect((await service.post("/v1/session/delete", { id: "s" })).body).toMatchObject({ values: null });
  if (isSwept) await service.tickToRest();
  expectProblem(await service.get("/v1/chat-messages/m"), "not_found");
}

const SYNCHRONOUS = WAYS.filter(({ path }) => path !== "kafka");
const CASES = SYNCHRONOUS.flatMap((way) => [
  { ...way, when: "before", isSwept: false },
  { ...way, when: "after", isSwept: true },
]);

describe.each(CASES)("on the path $path, $when the sweep", ({ options, isSwept }) => {
  it.each([
    ["that changes it", { id: "m", metadata: { seen: true } }, "applied"],
    ["that loses to a later one", { id: "m", content: "nothing" }, "superseded"],
  ])("an operation %s shows nothing of it", async (_, data, outcome) => {
    await using service = await startService(options);
    const nowMs = () => Date.now() - (outcome === "superseded" ? 1_000 : 0);
    const shared = { gateway: service.gateway, database: () => service.database };
    await using other = await startService({ ...options, ...shared, nowMs });
    await orphaned(service, isSwept);
    const { body, status } = await other.post("/v1/chat-messages/update", data);
    expect({ status, outcome: body.outcome, values: body.values }).toEqual({ status: 200, outcome, values: null });
  });

  it("the repeated request shows nothing of it", async () => {
    await using service = await startService(options);
    await orphaned(service, isSwept);
    const { body, status } = await service.post("/v1/chat-messages/create", MESSAGE, KEY);
    expect(status).toBe(200);
    expect(body.values).toBeNull();
  });

  it("an operation that moves it to a session that is there shows it", async () => {
    await using service = await startService(options);
    await orphaned(service, isSwept);
    await service.post("/v1/session/create", { id: "s2", user: "u" });
    const { body } = await service.post("/v1/chat-messages/create", { ...MESSAGE, session: "s2" });
    expect(body.values).toMatchObject({ content: SECRET });
  });
});
