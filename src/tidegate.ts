// `tidegate`: the service inside a program of one's own, with the product's flows or others.
import type { Write } from "./app/log.ts";
import type { TickReport } from "./app/tick.ts";
import { type Config, parseConfig } from "./config.ts";
import type { Flow } from "./flows/define.ts";
import { flows as productFlows } from "./flows/index.ts";
import { flowProblems } from "./flows/soundness.ts";
import { createApp } from "./http/app.ts";
import { compose } from "./runtime/compose.ts";
import type { OpenPlatform } from "./runtime/platform-node.ts";

export type { Write } from "./app/log.ts";
export type { TickReport } from "./app/tick.ts";
export { type Config, ConfigError } from "./config.ts";
export type { Json } from "./domain/json.ts";
export { entityKey } from "./domain/key.ts";
export type { Kind, Reference, Search } from "./domain/model.ts";
export type { Operation } from "./domain/operation.ts";
export type { Query } from "./domain/query.ts";
export { type Change, type EntityState, fieldValue } from "./domain/state.ts";
export {
  createType,
  type Data,
  type DefinedFlow,
  defineFlow,
  deleteType,
  type Flow,
  type FlowDefinition,
  id,
  metadata,
  type OperationType,
  ownedBy,
  type Preparation,
  pointsAt,
  queryType,
  refersTo,
  registerTime,
  result,
  type Switch,
  time,
  updateType,
  type Verdict,
} from "./flows/define.ts";
export { typedFlows as flows } from "./flows/index.ts";
export type { Outside, Prepared, Seen, Surroundings, Wanted } from "./flows/outside.ts";
export type {
  Broker,
  PartitionRead,
  ProduceRecord,
  ProduceResult,
  ReadBudget,
  ReadFrom,
  ReadRecord,
  TopicInfo,
} from "./ports/broker.ts";
export type { Clock, Delay, Entropy } from "./ports/clock.ts";
export type { Database } from "./ports/database.ts";
export type { Analysis, Evaluation, SourceText, Spoken, SummaryText, TextModel } from "./ports/text-model.ts";
export type { WebhookCall, WebhookResult, Webhooks } from "./ports/webhook.ts";
export type { OpenPlatform } from "./runtime/platform-node.ts";

/** What a Tidegate is made of. */
export interface TidegateOptions {
  /** The flows; by default the product's eight. Routes, topics, switches, schemas, documents and metrics follow from them. */
  readonly flows?: readonly Flow[];
  /**
   * Variables as in `.env.example`; the process's own environment is read only where it is given here. What is a server's
   * has no effect: `HOST`, `PORT`, `ROLE`, `CANARY`, and `OTEL_EXPORTER_OTLP_ENDPOINT`. Traces are those of the program's own
   * OpenTelemetry provider, propagator and context manager; without them records carry none.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Opens what the service stands on; by default what Node, Deno and Bun bring. */
  readonly platform?: (config: Config, flows: readonly Flow[], write: Write) => Promise<OpenPlatform>;
  /** Takes the lines of the log; by default they go to the console as JSON. */
  readonly write?: Write;
}

/** A service without a server. */
export interface Tidegate {
  /** Answers a request: hand it to `Deno.serve`, `Bun.serve`, a Worker or a Node server. */
  fetch(request: Request): Promise<Response>;
  /** One bounded pass of the consumer, which does not wait: for cron and other schedulers. */
  tick(): Promise<TickReport>;
  /** Consumes in this process until it is closed, with pauses where there is nothing to do. */
  consume(): void;
  /** Ends what is under way, event streams too, and lets go of everything. Other requests have to be over by then. */
  close(): Promise<void>;
}

/**
 * Creates the service of some flows. Throws ConfigError with every problem of the variables, and SchemaError for embedded
 * files that are not ours or newer; Kafka and the database may be down.
 *
 * @example
 * ```ts
 * const tidegate = await createTidegate({ flows: [...flows, notes], env: { DATA_DIR: "./data" } });
 * tidegate.consume();
 * const answer = await tidegate.fetch(
 *   new Request("http://tidegate/v1/notes/create", {
 *     method: "POST",
 *     headers: { "content-type": "application/json" },
 *     body: JSON.stringify({ user: "ada", text: "Ask about the tides" }),
 *   }),
 * );
 * console.log(answer.status);
 * await tidegate.close();
 * ```
 */
export async function createTidegate(options: TidegateOptions = {}): Promise<Tidegate> {
  const { flows = productFlows, env = {}, platform = openNode } = options;
  const problems = flowProblems(flows);
  if (problems.length > 0) throw new Error(`Cannot compose these flows: ${problems.join("; ")}`);
  const config = parseConfig(env, flows);
  const write = options.write ?? consoleWrite(config);
  const { asset, close, ...rest } = await platform(config, flows, write);
  const { service, tick, budget, prepare, sharing } = compose(config, { ...rest, flows });
  const stopping = new AbortController();
  const looks = new Set<Promise<unknown>>();
  const onLook = (look: Promise<unknown>): void => {
    const forget = (): boolean => looks.delete(look);
    looks.add(look);
    look.then(forget, forget);
  };
  const app = createApp({ ...service, ...(asset === undefined ? {} : { asset }), stopping: stopping.signal, onLook });
  let loop: Promise<void> | undefined;
  return {
    fetch: async (request) => app.fetch(request),
    tick: () => tick({ ...budget, waitMs: 0 }),
    consume() {
      loop ??= runLoop(stopping.signal);
    },
    async close() {
      stopping.abort();
      await Promise.allSettled(looks);
      await loop;
      await prepare.stop();
      await sharing.leave();
      await close();
    },
  };

  async function runLoop(signal: AbortSignal): Promise<void> {
    const loops = await import("./runtime/loop.ts");
    await loops.runLoop(tick, budget, signal);
  }
}

/** Files and threads are there only where they are asked for. */
async function openNode(config: Config, flows: readonly Flow[], write: Write): Promise<OpenPlatform> {
  const { openNodePlatform } = await import("./runtime/platform-node.ts");
  return openNodePlatform(config, flows, write);
}

const LEVELS = ["debug", "info", "warning", "error"];

function consoleWrite({ LOG_LEVEL }: Config): Write {
  return (level, message, fields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(LOG_LEVEL)) return;
    const print = level === "error" ? console.error : level === "warning" ? console.warn : console.info;
    print(JSON.stringify({ level, message, ...fields }));
  };
}
