// The routes of the show of all flows: one scenario each, over another way, that has to end in the same graph.
import { createHash } from "node:crypto";
import { flows } from "../../src/flows/index.ts";
import { type Env, freePort } from "../support/tidegate-process.ts";
import { effectsHold, expecting, heldMembers, logHolds, pathsAgree } from "./flows-checks.ts";
import { type Accepted, type BeforeBatch, readFound, sendScenario } from "./flows-client.ts";
import type { Step } from "./flows-scenario.ts";
import { startWebhook, type Webhook } from "./flows-webhook.ts";
import { type LogContent, readLog } from "./gateway-log.ts";
import { createStage, type Part, type Stage, waitForRest } from "./stage.ts";

/** The whole show. */
export interface FlowsShow {
  readonly root: string;
  readonly file: string;
  readonly steps: readonly Step[];
}

/** What came of a route. */
export interface Outcome {
  readonly seconds: number;
  readonly accepted: readonly Accepted[];
  /** Of the plain dump. */
  readonly sha256: string;
  /** Of what the queries found. */
  readonly found: string;
  /** Members of what models and webhooks said, as the dump holds them. */
  readonly held: string;
  readonly effects: number;
  readonly calls: number;
  readonly logIds: number;
  /** What does not hold, in words. */
  readonly failures: readonly string[];
}

/** What came of the rebuilds. */
export interface Rebuilt extends Pick<Outcome, "seconds" | "sha256" | "calls" | "failures"> {
  readonly accepted?: undefined;
  readonly logIds?: undefined;
  readonly effects?: undefined;
}

const ON = { ENABLE_KAFKA: "true", USE_KAFKA: "true" };
/** The seed's own example of a mixed configuration. */
const MIXED = {
  ...ON,
  KAFKA_CHAT_MESSAGES: "true",
  KAFKA_SUMMARIZATION: "false",
  KAFKA_CONTEXT_ANALYSIS: "true",
  KAFKA_MEMORY_OPERATIONS: "false",
};
const MIXED_OFF = ["summarization", "memory"];
/** Back on Kafka soon after its gateway is. */
const SOON = { KAFKA_BREAKER_OPEN_MS: "500" };
const EVERY_FLOW = flows.map(({ name }) => name);

/** Every flow's Kafka is on: everything goes through the embedded log. */
export async function viaKafka(show: FlowsShow): Promise<Outcome> {
  return play(show, "kafka", ON, async (run) => {
    const service = await run.start();
    const accepted = await run.send(service);
    const outcome = await run.finish(service, accepted, EVERY_FLOW, () => run.stage.log(run.stage.path("data")));
    return expecting(outcome, { "everything went by kafka": accepted.every(({ path }) => path === "kafka") });
  });
}

/** `ENABLE_KAFKA=false`, `USE_KAFKA` unset: everything is applied directly. */
export async function directly(show: FlowsShow): Promise<Outcome> {
  return play(show, "direct", { ENABLE_KAFKA: "false" }, async (run) => {
    const service = await run.start();
    const accepted = await run.send(service);
    const outcome = await run.finish(service, accepted, [], () => run.stage.log(run.stage.path("data")));
    return expecting(outcome, {
      "everything went directly": accepted.every(({ path }) => path === "direct"),
      "the log is empty": outcome.logIds === 0,
    });
  });
}

/** Every flow's Kafka is on, and its gateway comes only when everything is done. */
export async function byFallback(show: FlowsShow): Promise<Outcome> {
  const port = await freePort();
  const KAFKA_URL = gatewayUrl(`http://127.0.0.1:${port}`);
  return play(show, "fallback", { ...ON, ...SOON, KAFKA_URL }, async (run) => {
    const service = await run.start();
    const accepted = await run.send(service);
    const gateway = await run.stage.gateway(run.stage.path("gateway"), port);
    const outcome = await run.finish(service, accepted, EVERY_FLOW, () => readLog(gateway.url));
    await gateway.process.stop();
    return expecting(outcome, { "everything went by fallback": accepted.every(({ path }) => path === "fallback") });
  });
}

/** Kafka is off for some flows, and for the others its gateway goes twice: killed under a batch, and stopped at rest. */
export async function mixed(show: FlowsShow): Promise<Outcome> {
  const port = await freePort();
  const KAFKA_URL = gatewayUrl(`http://127.0.0.1:${port}`);
  return play(show, "mixed", { ...MIXED, ...SOON, KAFKA_URL }, async (run) => {
    const startGateway = async (): Promise<void> => {
      await gateway?.process.exited;
      gateway = await run.stage.gateway(run.stage.path("gateway"), port);
    };
    const stopGateway = (signal: NodeJS.Signals): void => void gateway!.process.stop(signal);
    let gateway: Part | undefined;
    await startGateway();
    const service = await run.start();
    const due = [
      // Under a batch: what it produced is in the log or not.
      { step: "first halves", share: 0.3, act: () => stopGateway("SIGKILL") },
      { step: "first halves", share: 0.6, act: startGateway },
      { step: "thoughts", share: 0, act: () => stopGateway("SIGTERM") },
      { step: "second halves", share: 0.5, act: startGateway },
    ];
    const accepted = await run.send(service, async (step, share) => {
      while (due[0]?.step === step && due[0].share <= share) await due.shift()!.act();
    });
    const on = EVERY_FLOW.filter((name) => !MIXED_OFF.includes(name));
    const outcome = await run.finish(service, accepted, on, () => readLog(gateway!.url));
    await gateway!.process.stop();
    const went = (path: string, ...names: string[]): boolean =>
      accepted.some((one) => one.path === path && (names.length === 0 || names.includes(one.flow)));
    return expecting(outcome, {
      "the outages happened": due.length === 0,
      "some went by each path": went("kafka") && went("direct") && went("fallback"),
      "flows that are off went directly, and no other": accepted.every(
        ({ flow, path }) => (path === "direct") === MIXED_OFF.includes(flow),
      ),
      "prepared work fell back": went("fallback", "context-analysis", "action"),
    });
  });
}

/** Routes whose log holds everything. */
export const REBUILT = ["kafka", "fallback"] as const;

/** A database from the log alone, of the routes that had Kafka on for all flows. */
export async function rebuilt(show: FlowsShow): Promise<Rebuilt> {
  const startedMs = performance.now();
  await using webhook = await startWebhook();
  const failures: string[] = [];
  let sha256 = "";
  for (const name of REBUILT) {
    const stage = createStage({ ...show, small: false }, name);
    const gateway = name === "kafka" ? undefined : await stage.gateway(stage.path("gateway"));
    const env = {
      ...ON,
      ...outside(webhook),
      LOG_LEVEL: "warning",
      ...(gateway === undefined ? {} : { KAFKA_URL: gatewayUrl(gateway.url) }),
    };
    const into = stage.path("rebuilt.sqlite");
    const { code, out } = await stage.command(["rebuild", "--into", into, "--data", stage.path("data")], env);
    await gateway?.process.stop();
    const plain = await stage.dump("--data", into);
    const registers = await stage.dump("--data", into, "--registers");
    const wanted = await stage.dump("--data", stage.path("data"), "--registers");
    const wantedPlain = await stage.dump("--data", stage.path("data"));
    sha256 = plain.sha256;
    const { failures: found } = expecting(
      { failures: [] as readonly string[] },
      {
        [`the rebuild of ${name} met no obstacle: ${out}`]: code === 0,
        [`the rebuild of ${name} has its dump`]: plain.sha256 === wantedPlain.sha256,
        [`the rebuild of ${name} has its registers`]: registers.sha256 === wanted.sha256,
      },
    );
    failures.push(...found);
  }
  const calls = webhook.received.length;
  if (calls > 0) failures.push(`not so: a rebuild calls no webhook; it called ${calls} times`);
  return { seconds: (performance.now() - startedMs) / 1_000, sha256, failures, calls };
}

interface Run {
  readonly stage: Stage;
  start(): Promise<Part>;
  send(service: Part, beforeBatch?: BeforeBatch): Promise<Accepted[]>;
  /** Waits for rest, looks at everything, and stops the service before its log is read. */
  finish(
    service: Part,
    accepted: readonly Accepted[],
    flowsOn: readonly string[],
    readContent: () => Promise<LogContent>,
  ): Promise<Outcome>;
}

async function play(show: FlowsShow, name: string, env: Env, route: (run: Run) => Promise<Outcome>): Promise<Outcome> {
  const startedMs = performance.now();
  await using webhook = await startWebhook();
  const stage = createStage({ ...show, small: false }, name);
  return await route({
    stage,
    start: () => stage.service({ ...env, ...outside(webhook) }),
    send: ({ url }, beforeBatch) => sendScenario(url, show.steps, stage.path("accepted.jsonl"), beforeBatch),
    async finish(service, accepted, flowsOn, readContent) {
      const checked = await waitForRest(service);
      const { closes, out } = await stage.check(service.url);
      const { sha256, path } = await stage.dump("--url", service.url);
      const found = await readFound(service.url, accepted);
      const exitCode = await service.process.stop();
      const log = await readContent();
      const outcome: Outcome = {
        seconds: (performance.now() - startedMs) / 1_000,
        accepted,
        sha256,
        found: createHash("sha256").update(found.join("\n")).digest("hex"),
        held: heldMembers(path),
        effects: webhook.effects.size,
        calls: webhook.received.length,
        logIds: log.ids.size,
        failures: [],
      };
      return expecting(outcome, {
        [`check --accepted closes:\n${out}`]: closes,
        "the service stopped well": exitCode === 0,
        "the service counts each path as its answers say": pathsAgree(checked, accepted),
        "queries found something": found.some((line) => line.split(" ").length > 2),
        ...logHolds(accepted, flowsOn, log),
        ...effectsHold(accepted, webhook),
      });
    },
  });
}

const outside = ({ configuration }: Webhook): Env => ({ WEBHOOKS: configuration, WEBHOOK_ALLOW_INSECURE: "true" });
const gatewayUrl = (url: string): string => `${url}?dialect=tidegate`;
