// Checks of what is reached over the network: Kafka with its topics, and the address that the service listens on.
import { createServer } from "node:net";
import { checkSchemas, isAtOdds } from "../../app/schemas.ts";
import type { Config } from "../../config.ts";
import { configureFlows } from "../../flows/configure.ts";
import { flows } from "../../flows/index.ts";
import { messageOf } from "../failure.ts";
import { connectionReason } from "../service.ts";
import { openKafka, type Topic, topicsReason } from "../topics/kafka.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** Kafka answers, and every topic is there. */
export async function checkKafka(config: Config): Promise<Finding[]> {
  const kafka = openKafka(config);
  const flowsOn = [...config.flowsOn];
  const notRead = warn("topics", "they cannot be read", "mend the broker first");
  const wrong = await kafka.diagnose();
  if (wrong !== null) {
    const advice = "until then operations are applied directly and kept for it";
    return [(flowsOn.length === 0 ? warn : fail)("broker", wrong, advice), notRead];
  }
  let topics: Topic[];
  try {
    topics = await kafka.topics();
  } catch (error) {
    const found = `${kafka.name} cannot be read: ${topicsReason(error)}`;
    const advice = kafka.isEmbedded
      ? "see that the file is whole and that this user may write it"
      : "see that it runs and that KAFKA_URL is its address; until then operations are applied directly and kept for it";
    // Nobody needs a Kafka that every flow has switched off, but for what is still in it.
    return [(flowsOn.length === 0 ? warn : fail)("broker", found, advice), notRead];
  }
  const used = flowsOn.length === 0 ? "no flow writes to it" : `Kafka is on for ${flowsOn.join(", ")}`;
  const missing = topics.filter(({ partitions }) => partitions === null).map(({ topic }) => topic);
  const isNew = kafka.isEmbedded && missing.length === topics.length;
  const broker = ok("broker", `${kafka.name} ${isNew ? "is made at the first start" : "answers"}; ${used}`);
  if (missing.length === 0) return [broker, ok("topics", `all ${topics.length} are there`)];
  if (kafka.isEmbedded) return [broker, ok("topics", `"tidegate start" makes ${missing.join(", ")}`)];
  return [broker, fail("topics", `missing: ${missing.join(", ")}`, 'run "tidegate topics create"')];
}

/** The schema registry allows what this release writes. */
export async function checkRegistry(config: Config): Promise<Finding[]> {
  const { openRegistry } = await import("../../runtime/schemas-node.ts");
  const registry = openRegistry(config);
  if (registry === undefined) return [];
  try {
    const reports = await checkSchemas(configureFlows(flows, config), registry);
    const odds = reports.filter(isAtOdds).map(({ subject }) => subject);
    if (odds.length > 0) {
      const found = `${registry.name} does not allow ${odds.join(", ")}`;
      return [fail("schemas", found, 'see "tidegate schemas check"; the service does not start')];
    }
    const missing = reports.filter(({ standing }) => standing.status !== "registered");
    return missing.length === 0
      ? [ok("schemas", `all ${reports.length} are registered at ${registry.name}`)]
      : [warn("schemas", `${missing.length} are not registered at ${registry.name}`, 'run "tidegate schemas push"')];
  } catch (error) {
    return [warn("schemas", messageOf(error), "see that it runs; the service starts without it")];
  }
}

const ANSWER_MS = 3_000;

/** The service answers at its address, or the address is free for it. */
export async function checkPort({ HOST, PORT }: Config): Promise<Finding> {
  if (PORT === 0) return ok("port", "PORT is 0: the service takes a free one");
  const address = `${HOST.includes(":") ? `[${HOST}]` : HOST}:${PORT}`;
  const taken = await listenOnce(HOST, PORT);
  if (taken === undefined) return ok("port", `${address} is free, and no service runs there`);
  if (taken !== "EADDRINUSE") {
    return fail("port", `${address} cannot be listened on (${taken})`, "set HOST and PORT to what this machine has");
  }
  const stranger = fail("port", `${address} is taken by something else`, "end that, or set PORT");
  try {
    const url = `http://${reachable(HOST)}:${PORT}`;
    const health = await reportOf(`${url}/health`);
    const isGuarded = health?.code === "unauthenticated";
    if (!isGuarded && health?.name !== "tidegate") return stranger;
    const found = `Tidegate ${isGuarded ? "with API keys" : health.version} answers at ${address}`;
    // Whether it is ready is told without a key as well.
    const { ready, reasons = [] } = (isGuarded ? await reportOf(`${url}/readyz`) : health) ?? {};
    if (ready === true) return ok("port", `${found} and is ready`);
    return warn("port", `${found} and is not ready`, `its reasons: ${reasons.join(", ")}`);
  } catch (error) {
    if (error instanceof SyntaxError) return stranger;
    return fail("port", `${address} is taken, and does not answer (${connectionReason(error)})`, "end what is there");
  }
}

async function reportOf(url: string): Promise<Health | null> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: "manual" });
  return (await response.json()) as Health | null;
}

interface Health {
  readonly code?: string;
  readonly name?: string;
  readonly version?: string;
  readonly ready?: boolean;
  readonly reasons?: readonly string[];
}

/** Where this machine reaches a host that is listened on. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** Listens for a moment; answers why it cannot. */
function listenOnce(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
