// What the Neo4j adapter makes of failures of the database, over a transport that fails as told. Numbers are those of the
// failure cases in kafka-over-http.md §2.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { failureOf, GraphFailure } from "../../src/adapters/database/neo4j/failure.ts";
import { MIGRATIONS } from "../../src/adapters/database/neo4j/migrations.ts";
import { type Neo4jMemory, neo4jDatabase } from "../../src/adapters/database/neo4j/neo4j.ts";
import type { Row, Transport } from "../../src/adapters/database/neo4j/transport.ts";
import { AppError, asAppError } from "../../src/domain/errors.ts";
import { model } from "../../src/flows/index.ts";
import type { Database, Writes } from "../../src/ports/database.ts";
import { SchemaError } from "../../src/sql/sql.ts";
import { parkedRow } from "../contract/database-writes.ts";

const LOADED: Row[] = [[[], [], [], [], [], 1_700_000_000_000]];
const REQUEST = { positions: ["p"], keys: ["a/Session/1"], ledger: ["a/op"] };
const WRITES: Writes = {
  positions: [],
  entities: [],
  names: [],
  ledger: [],
  outbox: [],
  parked: [parkedRow("t/0/1")],
  sweeps: [],
};

type Step = "load" | "save" | "commit";

/** A database whose transactions fail, step by step, as the script says; undefined lets a step succeed. */
function scripted(
  script: (step: Step, attempt: number) => Error | undefined,
  guarded = false,
  memory: Neo4jMemory = { isNewest: false },
) {
  const steps: Step[] = [];
  const delays: number[] = [];
  let attempts = 0;
  const at = (step: Step): void => {
    if (step === "load") attempts += 1;
    steps.push(step);
    const failure = script(step, attempts);
    if (failure !== undefined) throw failure;
  };
  const transport: Transport = {
    async run(text) {
      if (text.includes("mark.schema")) return [[MIGRATIONS.length, true]];
      at(text.includes("AS positions") ? "load" : "save");
      return text.includes("AS positions") ? LOADED : [];
    },
    begin: guarded
      ? undefined
      : () => ({
          async run() {
            at("load");
            return LOADED;
          },
          async runAll() {
            at("save");
          },
          async commit() {
            at("commit");
          },
          rollback: async () => undefined,
        }),
    close: async () => undefined,
  };
  const database = neo4jDatabase({
    transport,
    model,
    memory,
    name: "bolt://test:7687",
    delay: async (ms) => void delays.push(ms),
    random: () => 0.5,
  });
  let decisions = 0;
  const transact = (request = REQUEST, more: Partial<Writes> = {}) =>
    database.transact(request, () => {
      decisions += 1;
      return { write: { ...WRITES, ...more } };
    });
  return { database, transact, steps, delays, decisions: () => decisions };
}

const deadlock = () => failureOf("Neo.TransientError.Transaction.DeadlockDetected", "deadlock");
const guard = () => failureOf("Neo.ClientError.Statement.ArithmeticError", "/ by zero");
const lost = () => new GraphFailure("lost", "the connection broke");

async function errorOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe("a transaction", () => {
  it("is tried again after a deadlock, from its beginning, after a pause that grows (case 25)", async () => {
    const { transact, steps, delays, decisions } = scripted((step, n) =>
      step === "save" && n < 4 ? deadlock() : undefined,
    );
    await transact();
    expect(decisions()).toBe(4);
    expect(steps.filter((step) => step === "commit")).toHaveLength(1);
    expect(delays).toHaveLength(3);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  });

  it("ends with an error after so many deadlocks, which says that less may go (case 25)", async () => {
    const { transact, delays } = scripted((step) => (step === "save" ? deadlock() : undefined));
    const error = await errorOf(transact());
    expect(error).toMatchObject({ code: "graph_unavailable", divisible: true, ambiguous: false });
    expect(error.message).toContain("bolt://test:7687");
    expect(delays.length).toBeLessThan(10);
    expect(Math.max(...delays)).toBeLessThanOrEqual(500);
  });

  it("whose commit is not answered may stand, and the next meets it in the ledger (case 26)", async () => {
    const { transact, decisions } = scripted((step) => (step === "commit" ? lost() : undefined));
    expect(await errorOf(transact())).toMatchObject({ code: "graph_unavailable", ambiguous: true });
    // Once more, because what stands is seen and nothing is done twice; then it is for the caller to know.
    expect(decisions()).toBe(2);
  });

  it.each([
    ["nothing reached the database", new GraphFailure("unsent", "no connection")],
    ["others were in the way", guard()],
    ["it was too large", new GraphFailure("too_large", "not enough memory")],
    ["its user was refused", new GraphFailure("stranger", "unauthorized")],
    ["it could not be stored", new GraphFailure("statement", "a type error")],
  ])("whose commit was lost may stand, also when %s the next time", async (_, next) => {
    const request = { ...REQUEST, ledger: ["a/op1", "a/op2"] };
    const { transact } = scripted((step, n) => (n > 1 ? next : step === "commit" ? lost() : undefined));
    expect(await errorOf(transact(request))).toMatchObject({ ambiguous: true });
  });

  it("that breaks before its commit stands for certain not", async () => {
    for (const step of ["load", "save"] as const) {
      const { transact } = scripted((at) => (at === step ? lost() : undefined));
      expect(await errorOf(transact())).toMatchObject({ code: "graph_unavailable", ambiguous: false });
    }
  });

  it("whose reading was lost where no transaction can be held stands for certain not, and whose write was lost may", async () => {
    for (const [step, ambiguous] of [
      ["load", false],
      ["save", true],
    ] as const) {
      const { transact } = scripted((at) => (at === step ? lost() : undefined), true);
      expect(await errorOf(transact())).toMatchObject({ code: "graph_unavailable", ambiguous });
    }
  });

  it("over a connection that had gone stale is tried again once", async () => {
    const { transact, decisions } = scripted((step, n) => (step === "load" && n === 1 ? lost() : undefined));
    await transact();
    expect(decisions()).toBe(1);
  });

  it("with something that cannot be stored fails as a defect of what is in it, not of the database (case 27)", async () => {
    const bad = failureOf("Neo.ClientError.Statement.TypeError", "Property values can only be of primitive types");
    const { transact, decisions } = scripted((step) => (step === "save" ? bad : undefined));
    const error = await transact().catch((thrown: unknown) => thrown);
    expect(asAppError(error).code).toBe("internal");
    expect(decisions()).toBe(1);
  });

  it("reads again after a failed guard, three times where the caller can take less, longer where not", async () => {
    const request = { ...REQUEST, ledger: ["a/op1", "a/op2"] };
    const many = scripted((step) => (step === "save" ? guard() : undefined), true);
    expect(await errorOf(many.transact(request))).toMatchObject({ divisible: true, ambiguous: false });
    expect(many.decisions()).toBe(3);
    const one = scripted((step, n) => (step === "save" && n < 10 ? guard() : undefined), true);
    await one.transact();
    expect(one.decisions()).toBe(10);
  });

  it("is not tried again and again with a password that was refused: the server would let nobody in by that name", async () => {
    const stranger = failureOf("Neo.ClientError.Security.Unauthorized", "unauthorized");
    const { transact, steps } = scripted(() => stranger);
    for (let i = 0; i < 5; i++) expect((await errorOf(transact())).message).toMatch(/NEO4J_PASSWORD/);
    expect(steps).toEqual(["load"]);
  });

  it("shares the minute after a refused password with an idle tick's look, and with whoever opens it again", async () => {
    const stranger = failureOf("Neo.ClientError.Security.Unauthorized", "unauthorized");
    const memory = { isNewest: false };
    const first = scripted(() => stranger, false, memory);
    const look = (database: Database) => errorOf(database.agenda("c", [], 0));
    for (let i = 0; i < 5; i++) expect((await look(first.database)).message).toMatch(/NEO4J_PASSWORD/);
    await errorOf(first.transact());
    expect(first.steps).toHaveLength(1);
    const again = scripted(() => stranger, false, memory);
    await look(again.database);
    expect(again.steps).toEqual([]);
  });

  it("passes on what a decision throws, and writes nothing", async () => {
    const { database, steps } = scripted(() => undefined);
    const defect = new TypeError("a defect");
    await expect(
      database.transact(REQUEST, () => {
        throw defect;
      }),
    ).rejects.toBe(defect);
    expect(steps).toEqual(["load"]);
  });
});

describe("a transaction that takes too long", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());
  const question = { key: "a/op", query: { tenant: "a", kind: "Memory" }, limit: 1, keepMs: 1 };
  const slow = (tookMs: number) =>
    scripted((step) => {
      if (step === "save") vi.advanceTimersByTime(tookMs);
      return step === "save" ? guard() : undefined;
    });

  it("is divided where it can be", async () => {
    const { transact, decisions } = slow(2_000);
    const request = { ...REQUEST, ledger: ["a/op1", "a/op2"] };
    expect(await errorOf(transact(request, { questions: [question] }))).toMatchObject({ divisible: true });
    expect(decisions()).toBe(1);
  });

  it("fails for its question alone, so that what comes behind it is applied", async () => {
    const { transact, decisions } = slow(2_000);
    const error = await transact(REQUEST, { questions: [question] }).catch((thrown: unknown) => thrown);
    expect(asAppError(error).code).toBe("internal");
    expect(decisions()).toBe(3);
  });

  const timedOut = () => failureOf("Neo.ClientError.Transaction.TransactionTimedOut", "out of time");
  const late = () => new GraphFailure("late", "no answer within 10000 ms");
  const ended = (failure: () => Error, guarded: boolean) =>
    scripted((step) => (step === "save" ? failure() : undefined), guarded);

  it.each([
    ["the server ended it", timedOut, false],
    ["the server ended it, where no transaction can be held", timedOut, true],
    ["nobody answered in time", late, true],
  ])("fails for its question alone also when %s", async (_, failure, guarded) => {
    const { transact, decisions } = ended(failure, guarded);
    const error = await transact(REQUEST, { questions: [question] }).catch((thrown: unknown) => thrown);
    expect(asAppError(error).code).toBe("internal");
    expect(decisions()).toBe(3);
  });

  it("is not its question's fault before the question was asked", async () => {
    const { transact } = scripted((step, n) => (step === (n === 1 ? "save" : "load") ? timedOut() : undefined));
    expect(await errorOf(transact(REQUEST, { questions: [question] }))).toMatchObject({ code: "graph_unavailable" });
  });

  it("may stand where nobody ends it, and is divided all the same: positions and ledger know", async () => {
    const { transact, decisions } = ended(late, true);
    const request = { ...REQUEST, ledger: ["a/op1", "a/op2"] };
    const error = await errorOf(transact(request, { questions: [question] }));
    expect(error).toMatchObject({ code: "graph_unavailable", divisible: true, ambiguous: true });
    expect(error.message).toContain("no answer within 10000 ms");
    expect(decisions()).toBe(1);
  });

  it("and asks nothing may stand, and is never given up", async () => {
    const { transact } = ended(late, true);
    expect(await errorOf(transact())).toMatchObject({ code: "graph_unavailable", ambiguous: true });
  });

  it.each([
    ["without a question", 2_000, []],
    ["with one that was not late", 1_000, [question]],
  ])("%s is tried on", async (_, tookMs, questions) => {
    const { transact, decisions } = slow(tookMs);
    expect(await errorOf(transact(REQUEST, { questions }))).toMatchObject({ code: "graph_unavailable" });
    expect(decisions()).toBe(16);
  });
});

describe("a database", () => {
  const holding = (
    schema: number | null,
    nodes: boolean,
    fail: (text: string) => Error | undefined = () => undefined,
  ) => {
    const texts: string[] = [];
    const transport: Transport = {
      async run(text) {
        texts.push(text);
        const failure = fail(text);
        if (failure !== undefined) throw failure;
        return text.includes("mark.schema AS schema") || text.startsWith("OPTIONAL MATCH (mark")
          ? [[schema, nodes]]
          : [[1]];
      },
      begin: undefined,
      close: async () => undefined,
    };
    const options = { delay: async () => undefined, random: () => 0.5, name: "bolt://test:7687" };
    return { texts, database: neo4jDatabase({ transport, model, ...options }) };
  };

  it.each([
    ["of another application", null, true, /another application; choose another NEO4J_DATABASE/],
    ["of a newer release", 99, true, /schema 99, this release knows schemas up to \d+; run a newer release/],
  ])("%s is refused with one clear line, every time, and left as it is", async (_, schema, nodes, line) => {
    const { database, texts } = holding(schema, nodes);
    for (let i = 0; i < 2; i++) {
      const error = await database.nowMs().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SchemaError);
      expect((error as Error).message).toMatch(line);
      expect((error as Error).message).not.toContain("\n");
    }
    expect(texts.every((text) => text.startsWith("OPTIONAL MATCH"))).toBe(true);
  });

  it("that is empty gets the schema once, every statement so that it can be repeated", async () => {
    const { database, texts } = holding(null, false);
    await database.nowMs();
    await database.nowMs();
    const made = texts.filter((text) => text.startsWith("CREATE"));
    expect(made).toEqual(MIGRATIONS.flat());
    expect(made.every((text) => text.includes("IF NOT EXISTS"))).toBe(true);
  });

  it("that another process fills at the same time is made to the end", async () => {
    const exists = () => failureOf("Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists", "an equivalent index");
    const { database, texts } = holding(null, false, (text) =>
      text.startsWith("CREATE INDEX") ? exists() : undefined,
    );
    await database.nowMs();
    expect(texts.filter((text) => text.startsWith("CREATE"))).toEqual(MIGRATIONS.flat());
    expect(texts.some((text) => text.startsWith("MERGE (mark"))).toBe(true);
  });

  it("whose schema cannot be made is the fault of no operation, and is tried again by the next", async () => {
    let isFull = true;
    const full = () => failureOf("Neo.DatabaseError.Schema.IndexCreationFailed", "no room");
    const { database } = holding(null, false, (text) => (isFull && text.startsWith("CREATE") ? full() : undefined));
    const error = await errorOf(database.nowMs());
    expect(error).toMatchObject({ code: "graph_unavailable", ambiguous: false, divisible: false });
    expect(error.message).toContain("its schema cannot be made: no room");
    isFull = false;
    await database.nowMs();
  });
});
