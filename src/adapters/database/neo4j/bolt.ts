// Bolt, by Neo4j's own driver, which is loaded on first use: whoever does not use Neo4j does without it.
import type { Driver, RecordShape, Session, Transaction } from "neo4j-driver";
import { type Calls, createCalls } from "./calls.ts";
import { failureOf, GraphFailure, oneLine } from "./failure.ts";
import type { OpenTransaction, Params, Row, Transport, Value } from "./transport.ts";

export interface BoltOptions {
  /** `bolt://` or `neo4j://`, with `+s` or `+ssc` for TLS; without user and password. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** How long a transaction, a lock within it, and getting a connection may take. */
  readonly timeoutMs: number;
}

/** Beyond the server's own time limit: what has not answered by then is frozen, or cut off. */
const GRACE_MS = 2_000;
const CONNECT_MS_MAX = 5_000;
const CONNECTIONS_MAX = 50;

/** A driver with its connections, and what is in flight on them. */
interface Pool {
  readonly driver: Promise<Driver>;
  readonly calls: Calls;
}

/** Opens nothing before the first use. */
export function boltTransport(options: BoltOptions, open = openDriver): Transport {
  const { database, timeoutMs } = options;
  let current: Pool | undefined;
  const letGo = async (pool: Pool, failure: GraphFailure): Promise<void> => {
    if (current === pool) current = undefined;
    pool.calls.end(failure);
    await (await pool.driver.catch(() => undefined))?.close();
  };
  /** A connection that is silent for too long is given up, with the pool it came from. */
  const openPool = (): Pool => {
    const calls = createCalls(timeoutMs + GRACE_MS, () => {
      const failure = new GraphFailure("lost", "the connection was given up, because another call had no answer");
      letGo(pool, failure).catch(() => undefined);
    });
    const pool: Pool = { driver: open(options), calls };
    return pool;
  };
  const openSession = async (): Promise<Opened> => {
    current ??= openPool();
    const { driver, calls } = current;
    return { session: (await driver).session({ database }), calls };
  };

  return {
    async run(text, params) {
      const { session, calls } = await openSession();
      try {
        return rowsOf(await within(calls, toPromise(session.run(text, toBolt(params), { timeout: timeoutMs }))));
      } finally {
        session.close().catch(() => undefined);
      }
    },
    begin: () => openTransaction(openSession, timeoutMs),
    async close() {
      // As if they were late: nobody is to try again and open another.
      if (current !== undefined) await letGo(current, new GraphFailure("late", "the database was closed meanwhile"));
    },
  };
}

interface Opened {
  readonly session: Session;
  readonly calls: Calls;
}

async function within<Result>(calls: Calls, work: Promise<Result>): Promise<Result> {
  try {
    return await calls.within(work);
  } catch (error) {
    throw translate(error);
  }
}

function openTransaction(openSession: () => Promise<Opened>, timeout: number): OpenTransaction {
  let open: (Opened & { readonly transaction: Transaction }) | undefined;
  const end = (): void => {
    open?.session.close().catch(() => undefined);
    open = undefined;
  };
  const begun = async (): Promise<{ transaction: Transaction; calls: Calls }> => {
    if (open === undefined) {
      const opened = await openSession();
      // Not awaited: BEGIN then travels with the first statement.
      open = { ...opened, transaction: opened.session.beginTransaction({ timeout }) };
    }
    return open;
  };
  return {
    async run(text, params) {
      const { transaction, calls } = await begun();
      return rowsOf(await within(calls, toPromise(transaction.run(text, toBolt(params)))));
    },
    async runAll(statements) {
      const { transaction, calls } = await begun();
      const results = statements.map(({ text, params }) => toPromise(transaction.run(text, toBolt(params))));
      // The first to fail says why; those behind it were not carried out.
      for (const result of results) result.catch(() => undefined);
      await within(calls, Promise.all(results));
    },
    async commit() {
      try {
        if (open !== undefined) await within(open.calls, open.transaction.commit());
      } finally {
        end();
      }
    },
    async rollback() {
      try {
        // Where the connection was given up, nobody would answer.
        if (open?.transaction.isOpen() && !open.calls.isEnded()) await within(open.calls, open.transaction.rollback());
      } catch {
        // The server ends it: with the connection, or when its time is over.
      } finally {
        end();
      }
    },
  };
}

async function openDriver({ url, user, password, timeoutMs }: BoltOptions): Promise<Driver> {
  const { default: neo4j } = await import("neo4j-driver");
  return neo4j.driver(url, neo4j.auth.basic(user, password), {
    connectionTimeout: Math.min(timeoutMs, CONNECT_MS_MAX),
    connectionAcquisitionTimeout: timeoutMs,
    maxConnectionPoolSize: CONNECTIONS_MAX,
    // Everything is tried again here, where it is known what may be.
    maxTransactionRetryTime: 0,
    disableLosslessIntegers: true,
    fetchSize: -1,
    telemetryDisabled: true,
    notificationFilter: { minimumSeverityLevel: "OFF" },
    userAgent: "tidegate",
  });
}

interface Records {
  readonly records: readonly { values(): Iterable<unknown> }[];
}

/** A result of the driver is a promise and more; only the promise is wanted. */
async function toPromise(result: PromiseLike<Records>): Promise<Records> {
  return await result;
}

function rowsOf({ records }: Records): Row[] {
  return records.map((record) => [...record.values()] as Value[]);
}

/** Numbers travel as doubles unless told otherwise. */
function toBolt(value: Params): RecordShape {
  return toBoltValue(value) as RecordShape;
}

function toBoltValue(value: Value): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(toBoltValue);
  const members: { [name: string]: unknown } = {};
  for (const name in value) members[name] = toBoltValue((value as Params)[name]!);
  return members;
}

function translate(error: unknown): unknown {
  if (error instanceof GraphFailure || !(error instanceof Error)) return error;
  const code = String((error as { code?: unknown }).code ?? "");
  if (code.startsWith("Neo.")) return failureOf(code, error.message, error);
  const said = oneLine(error.message);
  if (/http endpoint|responded HTTP/i.test(said)) {
    const advice = "give bolt's port (7687 where nothing else is set), or http:// for the Query API";
    return new GraphFailure("refused", `this port speaks HTTP; ${advice}`, error);
  }
  if (/could not perform discovery/i.test(said)) {
    const advice = "a server on its own is reached by bolt://";
    return new GraphFailure("unsent", `no connection: no server of a cluster answers there; ${advice}`, error);
  }
  // The driver's own words on encryption are long, come with every broken connection, and the cause stands at their end.
  const reason = oneLine(/Caused by: (.*)/s.exec(error.message)?.[1] ?? error.message);
  if (NEVER_CONNECTED.test(reason)) return new GraphFailure("unsent", `no connection: ${reason}`, error);
  // Anything else that is not the driver's own is a defect, and stays what it is.
  return error.name === "Neo4jError" ? new GraphFailure("lost", `the connection broke: ${reason}`, error) : error;
}

const NEVER_CONNECTED =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|acquisition timed out|establish connection|before secure TLS|certificate|handshake|protocol/i;
