// The Worker: requests and cron. Whatever is embedded lies in a Durable Object, which then does all the work; with Kafka and
// Neo4j somewhere else the Worker does it itself, wherever it runs.
import type { DurableObjectId, ExecutionContext, ScheduledController } from "@cloudflare/workers-types";
import { fetchOf } from "../adapters/broker/proxy-call.ts";
import type { TickReport } from "../app/tick.ts";
import { type Config, ConfigError } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { bareProblemResponse } from "../http/problem.ts";
import type { Broker } from "../ports/broker.ts";
import { type Bindings, type ObjectMethods, workerConfig } from "./cloudflare/bindings.ts";
import { type CountedFetch, countedFetch } from "./cloudflare/counted-fetch.ts";
import { workerLog } from "./cloudflare/log.ts";
import { OBJECT_NAME } from "./cloudflare/object.ts";
import { remoteBroker, remoteDatabase } from "./cloudflare/remote.ts";
import {
  createWorkerMemory,
  createWorkerService,
  type WorkerMemory,
  type WorkerService,
} from "./cloudflare/service.ts";

export { TidegateObject } from "./cloudflare/object.ts";

const MINUTE_MS = 60_000;

/** What answers requests and ticks. */
type Answering = Pick<WorkerService, "tick"> & { readonly fetch: (request: Request) => Promise<Response> };

export default {
  fetch(request: Request, bindings: Bindings, ctx: ExecutionContext): Promise<Response> {
    let answering: Answering;
    try {
      answering = answeringOf(bindings, ctx);
    } catch (error) {
      return Promise.resolve(misconfigured(error));
    }
    return answering.fetch(request);
  },

  /** One tick a minute, which begins at another flow each time. */
  async scheduled(event: ScheduledController, bindings: Bindings, ctx: ExecutionContext): Promise<void> {
    const minute = Math.floor(event.scheduledTime / MINUTE_MS);
    const { failures }: TickReport = await answeringOf(bindings, ctx).tick(minute);
    if (failures.length > 0) throw new Error(failures.join("; "));
  },
};

let config: Config | undefined;
let broker: Broker | undefined;
let requests: CountedFetch | undefined;
let memory: WorkerMemory | undefined;

/** Throws ConfigError. */
function answeringOf(bindings: Bindings, ctx: ExecutionContext): Answering {
  config ??= workerConfig(bindings);
  const { kafka, neo4j } = config;
  if (kafka === undefined || neo4j === undefined) return objectOf(bindings);
  // What waits belongs to the request that waits, so only what is known outlives it.
  requests ??= countedFetch(config.TICK_REQUESTS);
  const write = workerLog(config);
  broker ??= remoteBroker(config, kafka, requests, write);
  const database = remoteDatabase(neo4j, fetchOf(requests.fetch));
  memory ??= createWorkerMemory(config);
  const parts = { bindings, broker, database, write, requests, memory };
  const service = createWorkerService(config, parts);
  const rested = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } finally {
      ctx.waitUntil(service.rest());
    }
  };
  return {
    tick: (first) => rested(() => service.tick(first)),
    fetch: (request) => rested(() => service.fetch(request)),
  };
}

let object: DurableObjectId | undefined;

function objectOf({ TIDEGATE }: Bindings): Answering {
  object ??= TIDEGATE!.idFromName(OBJECT_NAME);
  // The platform's types of requests are others than the language's, which all of the sources use.
  const stub = TIDEGATE!.get(object) as unknown as ObjectMethods & { fetch(request: Request): Promise<Response> };
  return { tick: (first) => stub.tick(first), fetch: (request) => stub.fetch(request) };
}

/** What is wrong with the deployment is said at the first request. */
function misconfigured(error: unknown): Response {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  return bareProblemResponse(new AppError("internal", error.message));
}
