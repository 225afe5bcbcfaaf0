// A whole service in this process: SQLite and the gateway's log in memory, the real composition between them, and a
// place to put faults at each of its ports.
import type { Hono } from "hono";
import { sqliteDatabase } from "../../src/adapters/database/sqlite.ts";
import type { TickReport } from "../../src/app/tick.ts";
import { type Config, parseConfig } from "../../src/config.ts";
import { configureFlows, topicsOf } from "../../src/flows/configure.ts";
import type { Flow } from "../../src/flows/define.ts";
import { flows, model } from "../../src/flows/index.ts";
import { createApp } from "../../src/http/app.ts";
import type { Broker } from "../../src/ports/broker.ts";
import type { Database } from "../../src/ports/database.ts";
import type { TextModel } from "../../src/ports/text-model.ts";
import type { Webhooks } from "../../src/ports/webhook.ts";
import { type Composed, compose } from "../../src/runtime/compose.ts";
import { nodeEntropy } from "../../src/runtime/entropy-node.ts";
import { openFileSql, readMigrations } from "../../src/sql/file.ts";
import type { Sql } from "../../src/sql/sql.ts";
import { type GatewayBundle, gatewayBundle } from "./gateway-bundle.ts";
import { STILL_MODEL, STILL_WEBHOOKS } from "./still-outside.ts";

export const MIGRATIONS = readMigrations(new URL("../../src/adapters/database/migrations/", import.meta.url));

/** Secret of every service that is not told another. */
export const ID_SECRET = "a secret of the tests";

/** A line of the service's log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface ServiceOptions {
  /** Environment variables; the defaults of the configuration hold otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Puts a decorator around the broker, below the service's own. */
  readonly broker?: (broker: Broker) => Broker;
  readonly database?: (database: Database) => Database;
  /** The service's wall clock. */
  readonly nowMs?: () => number;
  /** How the service waits; by a timer otherwise. */
  readonly delay?: (ms: number) => Promise<void>;
  /** The database's clock; SQLite's own otherwise. */
  readonly databaseNowMs?: () => number;
  /** File of the database; in memory otherwise. */
  readonly path?: string;
  /** A gateway to share with another service; the service's own otherwise. */
  readonly gateway?: GatewayBundle;
  /** Partitions of each topic. */
  readonly partitions?: number;
  /** Flows other than the product's. */
  readonly flows?: readonly Flow[];
  readonly textModel?: TextModel;
  readonly webhooks?: Webhooks;
  /** Whether an attempt may begin that nobody waits for; always otherwise. */
  readonly mayAttempt?: () => boolean;
  /** Reads the log without calling anybody. */
  readonly rebuilding?: boolean;
}

/** An answer with its body read. */
export interface Answered<Body = AnswerBody> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** What most answers hold; a test looks at what it expects. */
export interface AnswerBody {
  readonly id: string;
  readonly stamp: string;
  readonly code: string;
  readonly detail: string;
  readonly retryToken: string;
  readonly entity: { readonly kind: string; readonly id: string };
  readonly [name: string]: unknown;
}

export interface ServiceUnderTest extends AsyncDisposable {
  readonly app: Hono;
  readonly config: Config;
  readonly composed: Composed;
  readonly gateway: GatewayBundle;
  /** The database itself, below any decorator. */
  readonly database: Database;
  /** The very same, for what the port does not show. */
  readonly sql: () => Sql;
  readonly lines: LogLine[];
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Sends JSON and reads JSON. */
  post(path: string, data: unknown, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  get(path: string): Promise<Answered>;
  /** Ticks until nothing is left to do or a tick fails; answers the reports. */
  tickToRest(): Promise<TickReport[]>;
}

const TICKS_MAX = 500;

/** Starts a service; `await using` ends it. */
export async function startService(options: ServiceOptions = {}): Promise<ServiceUnderTest> {
  const config = parseConfig({ ID_SECRET, ...options.env }, options.flows ?? flows);
  const topics = Object.fromEntries(
    topicsOf(configureFlows(options.flows ?? flows, config)).map((topic) => [topic, options.partitions ?? 3]),
  );
  const gateway = options.gateway ?? (await gatewayBundle({ topics }));
  let sql: Sql | undefined;
  const open = () => {
    sql = openFileSql(options.path ?? ":memory:");
    return sql;
  };
  const database = openTestDatabase(open, options.databaseNowMs);
  await database.nowMs();
  const lines: LogLine[] = [];
  const composed = compose(config, {
    version: "0.0.0-test",
    broker: options.broker?.(gateway.broker) ?? gateway.broker,
    database: options.database?.(database) ?? database,
    entropy: nodeEntropy(config.ID_SECRET!, config.ID_SECRET_PREVIOUS),
    clock: { nowMs: options.nowMs ?? (() => Date.now()) },
    delay: options.delay ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    textModel: options.textModel ?? STILL_MODEL,
    webhooks: options.webhooks ?? STILL_WEBHOOKS,
    ...(options.flows === undefined ? {} : { flows: options.flows }),
    ...(options.mayAttempt === undefined ? {} : { mayAttempt: options.mayAttempt }),
    ...(options.rebuilding === undefined ? {} : { rebuilding: options.rebuilding }),
    write: (level, message, fields) => lines.push({ level, message, ...fields }),
  });
  const app = createApp(composed.service);
  const request = async (path: string, init?: RequestInit): Promise<Response> => app.request(path, init);
  return {
    app,
    config,
    composed,
    gateway,
    database,
    sql: () => sql!,
    lines,
    request,
    post: async (path, data, headers = {}) =>
      read(await request(path, { method: "POST", body: JSON.stringify(data), headers: { ...JSON_TYPE, ...headers } })),
    get: async (path) => read(await request(path)),
    tickToRest: () => tickToRest(composed),
    async [Symbol.asyncDispose]() {
      await composed.prepare.stop();
      await database.close();
      if (options.gateway === undefined) await gateway[Symbol.asyncDispose]();
    },
  };
}

/** The SQLite database with its migrations, and a clock of the test's own where it gives one. */
export function openTestDatabase(open: () => Sql, nowMs?: () => number): Database {
  return sqliteDatabase({
    open,
    migrations: MIGRATIONS,
    model,
    name: "the database of a test",
    ...(nowMs === undefined ? {} : { nowMs }),
  });
}

const JSON_TYPE = { "content-type": "application/json" };

/** Reads an answer of JSON, problems included. */
export async function read(response: Response): Promise<Answered> {
  return { status: response.status, headers: response.headers, body: (await response.json()) as AnswerBody };
}

async function tickToRest({ tick, budget, prepare }: Composed): Promise<TickReport[]> {
  const reports: TickReport[] = [];
  while (reports.length < TICKS_MAX) {
    const report = await tick({ ...budget, waitMs: 0 });
    await prepare.idle();
    reports.push(report);
    const { records, gap, relayed, swept, prepared, decided } = report;
    const idle = !report.more && records + gap + relayed + swept + prepared + decided === 0;
    if (report.failures.length > 0 || idle) return reports;
  }
  throw new Error(`Not at rest after ${TICKS_MAX} ticks`);
}
