// Bolt, by Neo4j's own driver, which is loaded on first use: whoever does not use Neo4j does without it.
import type { Driver, RecordShape, Session, Transaction } from "neo4j-driver";
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

/** Opens nothing before the first use. */
export function boltTransport(options: BoltOptions): Transport {
  const { database, timeoutMs } = options;
  let driver: Promise<Driver> | undefined;
  const connected = (): Promise<Driver> => {
    driver ??= openDriver(options);
    return driver;
  };
  const letGo = async (): Promise<void> => {
    const opened = driver;
    driver = undefined;
    await (await opened?.catch(() => undefined))?.close();
  };

  /** Waits as long as it may take; a connection that is silent for longer is given up, with the pool it came from. */
  const within = async <Result>(work: Promise<Result>): Promise<Result> => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new GraphFailure("late", `no answer within ${timeoutMs + GRACE_MS} ms`));
      letGo().catch(() => undefined);
    }, timeoutMs + GRACE_MS);
    try {
      return await Promise.race([work, promise]);
    } catch (error) {
      throw translate(error);
    } finally {
      clearTimeout(timer);
      work.catch(() => undefined);
    }
  };
  const openSession = async (): Promise<{ session: Session }> => ({
    session: (await connected()).session({ database }),
  });

  return {
    async run(text, params) {
      const { session } = await openSession();
      try {
        return rowsOf(await within(toPromise(session.run(text, toBolt(params), { timeout: timeoutMs }))));
      } finally {
        session.close().catch(() => undefined);
      }
    },
    begin: () => openTransaction(openSession, within, timeoutMs),
    close: letGo,
  };
}

type Within = <Result>(work: Promise<Result>) => Promise<Result>;

function openTransaction(
  openSession: () => Promise<{ session: Session }>,
  within: Within,
  timeout: number,
): OpenTransaction {
  let open: { readonly session: Session; readonly transaction: Transaction } | undefined;
  const end = (): void => {
    open?.session.close().catch(() => undefined);
    open = undefined;
  };
  const begun = async (): Promise<{ transaction: Transaction }> => {
    if (open === undefined) {
      const { session } = await openSession();
      // Not awaited: BEGIN then travels with the first statement.
      open = { session, transaction: session.beginTransaction({ timeout }) };
    }
    return open;
  };
  return {
    async run(text, params) {
      const { transaction } = await begun();
      return rowsOf(await within(toPromise(transaction.run(text, toBolt(params)))));
    },
    async runAll(statements) {
      const { transaction } = await begun();
      const results = statements.map(({ text, params }) => toPromise(transaction.run(text, toBolt(params))));
      // The first to fail says why; those behind it were not carried out.
      for (const result of results) result.catch(() => undefined);
      await within(Promise.all(results));
    },
    async commit() {
      try {
        await within(open?.transaction.commit() ?? Promise.resolve());
      } finally {
        end();
      }
    },
    async rollback() {
      try {
        if (open?.transaction.isOpen()) await within(open.transaction.rollback());
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
