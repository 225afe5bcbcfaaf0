// A database that takes some transactions and refuses others, for what they hold or for how much: the other operations
// of a request are applied, and answers stay in order.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import type { Database, TransactRequest } from "../../src/ports/database.ts";
import { startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

const SYNCHRONOUS = WAYS.filter(({ path }) => path !== "kafka");

/** Refuses transactions as told; counts what it was asked for. */
function refusing(refusal: (request: TransactRequest) => Error | undefined) {
  const seen = { transactions: 0 };
  const database = (inner: Database): Database => ({
    ...inner,
    async transact(request, decide) {
      seen.transactions += 1;
      const failure = refusal(request);
      if (failure !== undefined) throw failure;
      await inner.transact(request, decide);
    },
  });
  return { seen, database };
}

const ids = Array.from({ length: 21 }, (_, i) => `m${i}`);
const batch = ids.map((id) => ({
  flow: "chat-messages",
  type: "create",
  data: { id, session: "s", user: "u", content: id },
}));

interface Item {
  readonly status: number;
  readonly values?: { readonly content: string };
  readonly problem?: { readonly code: string };
}

describe.each(SYNCHRONOUS)("a request of many operations, on the path $path", ({ options }) => {
  const send = async (database: (inner: Database) => Database) => {
    const service = await startService({ ...options, database });
    const { body } = await service.post("/v1/operations", batch);
    return { service, items: body as unknown as Item[] };
  };

  it.each([0, 10, 20])("fails in its %ith alone, where that cannot be stored", async (bad) => {
    const { database } = refusing(({ keys }) =>
      keys.some((key) => key.endsWith(`/Message/m${bad}`)) ? new TypeError("cannot be stored") : undefined,
    );
    const { service, items } = await send(database);
    await using _ = service;
    expect(items.map(({ values, problem }) => problem?.code ?? values?.content)).toEqual(
      ids.map((id, i) => (i === bad ? "internal" : id)),
    );
    expect((await service.get("/v1/messages/m1")).status).toBe(200);
    expect((await service.get(`/v1/messages/m${bad}`)).status).toBe(404);
  });

  it("is applied in parts where it is too much at a time", async () => {
    const tooMuch = new AppError("graph_unavailable", "too much", { divisible: true });
    const { database } = refusing(({ ledger }) => (ledger.length > 4 ? tooMuch : undefined));
    const { service, items } = await send(database);
    await using _ = service;
    expect(items.map(({ values }) => values?.content)).toEqual(ids);
  });

  it.each([
    ["could not be taken", false, "nothing_accepted"],
    ["may stand", true, "outcome_unknown"],
  ])("tries nothing behind a part that %s: sent again, that would be later", async (_, ambiguous, code) => {
    let taken = 0;
    const { database } = refusing(({ ledger }) => {
      if (ledger.length > 6) return new AppError("graph_unavailable", "too much", { divisible: true });
      taken += 1;
      return taken === 2 ? new AppError("graph_unavailable", "connection broke", { ambiguous }) : undefined;
    });
    const { service, items } = await send(database);
    await using __ = service;
    // Halves of 21, of 11 and of 6: the first is applied, the second meets the failure.
    const fates = [...Array(6).fill("applied"), ...Array(5).fill(code), ...Array(10).fill("nothing_accepted")];
    expect(items.map(({ problem }) => problem?.code ?? "applied")).toEqual(fates);
  });

  it.each([
    ["it may stand", { ambiguous: true, divisible: true }, "outcome_unknown"],
    ["nobody can be reached", {}, "nothing_accepted"],
  ])("is tried once where %s", async (_, how, code) => {
    const { database, seen } = refusing(() => new AppError("graph_unavailable", "no answer", how));
    const { service, items } = await send(database);
    await using __ = service;
    expect(items.map(({ problem }) => problem?.code)).toEqual(ids.map(() => code));
    expect(seen.transactions).toBe(1);
  });
});
