// The service as a Worker runs it, over whatever broker and database it was given.
import { affordable, NEEDS } from "../../app/allowance.ts";
import { NOTHING_CONSUMED } from "../../app/consume.ts";
import type { Write } from "../../app/log.ts";
import { NOTHING_ELSE, type TickReport } from "../../app/tick.ts";
import type { Config } from "../../config.ts";
import { flows } from "../../flows/index.ts";
import { createApp } from "../../http/app.ts";
import type { Broker } from "../../ports/broker.ts";
import type { Database } from "../../ports/database.ts";
import { compose } from "../compose.ts";
import { nodeEntropy, randomHex } from "../entropy-node.ts";
import { createMemory, type Memory } from "../memory.ts";
import { outsideOf } from "../outside.ts";
import { VERSION } from "../version.ts";
import { workerAssets } from "./assets.ts";
import type { Bindings } from "./bindings.ts";
import { createClocks } from "./clocks.ts";
import type { CountedFetch } from "./counted-fetch.ts";
import { flushSpans, startWorkerTelemetry } from "./telemetry.ts";
import { tickThrough } from "./tick-through.ts";

/** A service in a Worker. */
export interface WorkerService {
  /** Answers a request of the service. */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * The tick of cron and alarms: until nothing is left to do or the budget is spent; `first` says which topic comes first. With
   * `ROLE=api` it does nothing, as a process of that role has no loop.
   */
  tick(first: number): Promise<TickReport>;
  /** Finishes what was begun and need not be waited for: prepared work, the clock, then the spans. Never throws. */
  rest(): Promise<void>;
}

/** What one service of an isolate hands on to the next. */
export interface WorkerMemory extends Memory {
  /** When this clock is to be compared with the database's again. */
  readonly comparison: { atMs: number };
}

const clock = { nowMs: () => Date.now() };

/** The memory of an isolate that knows nothing yet. */
export function createWorkerMemory(config: Config): WorkerMemory {
  return { ...createMemory(config, { flows, clock, entropy: { hex: randomHex() } }), comparison: { atMs: 0 } };
}

export interface WorkerParts {
  readonly bindings: Bindings;
  readonly broker: Broker;
  readonly database: Database;
  readonly write: Write;
  /** Makes the outside requests of ticks and of everything else. */
  readonly requests: CountedFetch;
  /** Of a service that lives for one request; one that lives longer has its own. */
  readonly memory?: WorkerMemory;
}

const NO_TICK: TickReport = { ...NOTHING_CONSUMED, ...NOTHING_ELSE, failures: [] };

/** Records of a transaction, of which each costs two outside requests. */
const BATCH_RECORDS = 1_000;

/** Whoever asks for ticks in place of cron may do so several times a minute. */
const SECOND_MS = 1_000;

/** Every so many ticks one looks for rows past their time: where nothing is remembered, every one would. */
const PURGE_EVERY = 15;

export function createWorkerService(config: Config, parts: WorkerParts): WorkerService {
  const { bindings, broker, database, write, requests, memory = createWorkerMemory(config) } = parts;
  startWorkerTelemetry(config);
  const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const composed = compose(config, {
    version: VERSION,
    broker,
    database,
    entropy: nodeEntropy(config.ID_SECRET!, config.ID_SECRET_PREVIOUS),
    clock,
    write,
    memory,
    mayAttempt: () => affordable(requests, NEEDS.attempt, 1) > 0,
    ...outsideOf(config, {
      fetch: (input, init) => requests.fetch(new Request(input, init)),
      clock,
      write,
      delay,
    }),
  });
  const tick = (first: number): Promise<TickReport> => {
    const budget = {
      ...composed.budget,
      batchMax: BATCH_RECORDS,
      lanes: 1,
      first,
      purges: first % PURGE_EVERY === 0,
      requests,
    };
    const deps = { tick: composed.tick, prepare: composed.prepare, budget, nowMs: clock.nowMs };
    return requests.within(() => tickThrough(deps));
  };
  const asset = workerAssets(bindings.ASSETS);
  const service = {
    ...composed.service,
    ...(asset === undefined ? {} : { asset }),
    tick: () => tick(Math.floor(clock.nowMs() / SECOND_MS)),
  };
  const clocks = createClocks({ vitals: composed.vitals, clock, delay, due: memory.comparison });
  const rest = async (): Promise<void> => {
    await composed.prepare.idle();
    await clocks.idle();
    await flushSpans();
  };
  const app = createApp(service);
  const answer = async (request: Request): Promise<Response> => {
    await clocks.beforeRequest();
    return app.fetch(request);
  };
  return {
    fetch: (request) => requests.within(() => answer(request)),
    tick: config.ROLE === "api" ? async () => NO_TICK : tick,
    rest,
  };
}
