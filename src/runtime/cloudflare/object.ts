// The embedded default on Workers: a Durable Object whose SQLite holds the gateway's log, the graph and the ledger, with
// the engine inside it, so that effects stay transactional.
import { DurableObject } from "cloudflare:workers";
import { fetchOf } from "../../adapters/broker/proxy-call.ts";
import type { TickReport } from "../../app/tick.ts";
import { withAlarm } from "./alarm.ts";
import { type Bindings, workerConfig } from "./bindings.ts";
import { countedFetch } from "./counted-fetch.ts";
import { embeddedDatabase, embeddedLog } from "./embedded.ts";
import { workerLog } from "./log.ts";
import { remoteBroker, remoteDatabase } from "./remote.ts";
import { createWorkerService, type WorkerService } from "./service.ts";

/** The one object of a service: there is one log and one graph. */
export const OBJECT_NAME = "tidegate";

/** Bodies up to this are read whole, whatever the answer is. */
const SHORT_BYTES_MAX = 1_048_576;

/** An answer that comes before its request's body has been read breaks the stream that brings the body. */
async function readToEnd(request: Request): Promise<void> {
  if (request.bodyUsed || request.body === null) return;
  if (Number(request.headers.get("content-length") ?? Number.NaN) <= SHORT_BYTES_MAX) await request.arrayBuffer();
}

/** A service with the log that lies in its object, if any does. */
interface ObjectService extends WorkerService {
  /** Removes some of what the log's retention does not keep. Never throws. */
  trim(): Promise<void>;
}

export class TidegateObject extends DurableObject<Bindings> {
  #opened: Promise<ObjectService> | undefined;

  /** Answers a request of the service. */
  async fetch(request: Request): Promise<Response> {
    const { fetch, rest } = await this.#open();
    try {
      const response = await fetch(request);
      await readToEnd(request);
      return response;
    } finally {
      // An object lives as long as there is work under way: to wait for it here would only cost a turn of the event loop.
      void rest();
    }
  }

  /** One tick, within the budget of the configuration; `first` says which topic comes first. */
  async tick(first: number): Promise<TickReport> {
    const { tick, trim, rest } = await this.#open();
    try {
      return await tick(first);
    } finally {
      await trim();
      void rest();
    }
  }

  /** Ticks soon after a produce, where that is switched on. What it leaves undone, cron goes on with. */
  async alarm(): Promise<void> {
    const { more } = await this.tick(Math.floor(Date.now() / 1_000));
    if (more) await this.ctx.storage.setAlarm(Date.now());
  }

  #open(): Promise<ObjectService> {
    this.#opened ??= this.#compose().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #compose(): Promise<ObjectService> {
    const config = workerConfig(this.env);
    const write = workerLog(config);
    const { storage } = this.ctx;
    const requests = countedFetch(config.TICK_REQUESTS);
    const { kafka, neo4j } = config;
    const database = neo4j === undefined ? embeddedDatabase(storage) : remoteDatabase(neo4j, fetchOf(requests.fetch));
    const log = kafka === undefined ? await embeddedLog(config, storage, write) : undefined;
    const quiet = log?.broker ?? remoteBroker(config, kafka!, requests, write);
    const isQuiet = config.TICK_ALARM_MS === 0 || config.ROLE === "api";
    const broker = isQuiet ? quiet : withAlarm(quiet, storage, config.TICK_ALARM_MS);
    const service = createWorkerService(config, { bindings: this.env, broker, database, write, requests });
    return { ...service, trim: async () => log?.trim() };
  }
}
