// What the show of the real parts plays: an import through outages of every part, and one over the Query API.
import { setTimeout as delay } from "node:timers/promises";
import { topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { readStack, type Stack } from "../stack/read-stack.ts";
import { emptyNeo4j, startPart, stopPart } from "../stack/stack.ts";
import { freePort } from "../support/tidegate-process.ts";
import { readKafka } from "./kafka-log.ts";
import {
  countApplied,
  createStage,
  type Imported,
  importUntil,
  type Part,
  type Show,
  type Stage,
  waitForRest,
} from "./stage.ts";
import type { Say, Told } from "./told.ts";

const ID_SECRET = "the secret of the show of the real parts";
const DOWN_MS = 20_000;
const PROGRESS_MS = 1_200_000;
const QUERY_API_OPERATIONS = 50_000;
/** Accepted operations that may wait in Kafka: everything has to fail while the import runs. */
const AHEAD_MAX = 20_000;

/** What a service on the real parts is told. */
export function envOf({ neo4j }: Stack, gateway: Part, url: string) {
  return {
    ID_SECRET,
    KAFKA_URL: `${gateway.url}?dialect=tidegate`,
    NEO4J_URL: url,
    NEO4J_USER: neo4j.user,
    NEO4J_PASSWORD: neo4j.password,
  };
}

/** The whole file over bolt. Kafka, the gateway and Neo4j are away for a while, one after the other. */
export async function throughOutages(show: Show, say: Say): Promise<Told> {
  const stage = createStage(show, "b");
  const stack = readStack();
  const port = await freePort();
  let gateway = await stage.kafkaGateway(stack.kafka, port);
  const env = envOf(stack, gateway, stack.neo4j.bolt);
  await createTopics(stage, env);
  let service = await stage.service(env);
  const { process: importing, imported } = stage.startImport(service.url);
  const applied = (count: number): Promise<void> =>
    importUntil({ stage, importing, applied: () => appliedOr(service, 0), aheadMax: AHEAD_MAX }, count, PROGRESS_MS);

  await applied(30_000);
  say("b Kafka stops for 20 s");
  await stopPart("kafka");
  await delay(DOWN_MS);
  await startPart("kafka");
  await applied(60_000);
  say("b the gateway is killed and started");
  await gateway.process.stop("SIGKILL");
  gateway = await stage.kafkaGateway(stack.kafka, port);
  await applied(90_000);
  say("b Neo4j stops for 20 s");
  await stopPart("neo4j");
  await delay(DOWN_MS);
  await startPart("neo4j");

  const end = await imported;
  say(`b imported: ${summary(end)}`);
  await waitForRest(service);
  const { closes, out } = await stage.check(service.url);
  const dump = await stage.dump("--url", service.url);
  const registers = await stage.dump("--url", service.url, "--registers");
  const log = await readKafka(stack.kafka, topicsOf(flows));
  const stopped = await service.process.stop();

  say("b rebuilding from Kafka into an empty Neo4j");
  await emptyNeo4j();
  const { code, out: rebuilt } = await stage.command(["rebuild", "--into", stack.neo4j.bolt], env, PROGRESS_MS);
  service = await stage.service({ ...env, ROLE: "api" });
  const again = await stage.dump("--url", service.url);
  const registersAgain = await stage.dump("--url", service.url, "--registers");
  await service.process.stop();
  await gateway.process.stop();
  return {
    holds: {
      [`check --accepted closes: ${out.trim()}`]: closes,
      [`the dump ${dump.sha256} is the canonical one`]: dump.sha256 === show.canonical.sha256,
      [`some went by fallback: ${end.byPath.fallback}`]: end.byPath.fallback > 0,
      [`the import tried again: ${end.retries} times`]: end.retries > 0,
      [`the topics hold as many ids as were accepted: ${log.ids.size} of ${end.accepted} in ${log.records} records`]:
        log.ids.size === end.accepted,
      [`each with a trace context in its value, ${log.untraced} without`]: log.untraced === 0,
      "the service stopped well": stopped === 0,
      [`the rebuild met no obstacle: ${rebuilt.trim()}`]: code === 0,
      "the rebuilt graph is the same": again.sha256 === show.canonical.sha256,
      "and so are its registers": registersAgain.sha256 === registers.sha256,
    },
  };
}

/** The first operations over the Query API, beside the same on the embedded default. */
export async function firstOverQueryApi(show: Show, say: Say): Promise<Told> {
  const stage = createStage(show, "q");
  const stack = readStack();
  const gateway = await stage.kafkaGateway(stack.kafka, await freePort());
  const env = envOf(stack, gateway, stack.neo4j.http);
  await createTopics(stage, env);
  const service = await stage.service(env);
  const end = await stage.import(service.url, QUERY_API_OPERATIONS);
  say(`q imported: ${summary(end)}`);
  await waitForRest(service);
  const { closes, out } = await stage.check(service.url);
  const dump = await stage.dump("--url", service.url);
  await service.process.stop();
  await gateway.process.stop();

  const embeddedStage = createStage(show, "q-embedded");
  const embedded = await embeddedStage.service({ ID_SECRET });
  await embeddedStage.import(embedded.url, QUERY_API_OPERATIONS);
  await waitForRest(embedded);
  const wanted = await embeddedStage.dump("--url", embedded.url);
  await embedded.process.stop();
  return {
    holds: {
      [`check --accepted closes: ${out.trim()}`]: closes,
      [`the dump ${dump.sha256} is that of the embedded default`]: dump.sha256 === wanted.sha256,
      [`it holds ${dump.sessions} sessions and ${dump.messages} messages`]:
        dump.sessions + dump.messages === end.accepted,
    },
  };
}

export async function createTopics(stage: Stage, env: { readonly [name: string]: string }): Promise<void> {
  const { code } = await stage.command(["topics", "create"], env);
  if (code !== 0) throw new Error(`The topics could not be made, see ${stage.path("errors.log")}`);
}

/** While a part is away nobody can say. */
async function appliedOr({ url }: Part, otherwise: number): Promise<number> {
  return countApplied(url).catch(() => otherwise);
}

function summary({ accepted, byPath, seconds, retries }: Imported): string {
  const { kafka, fallback } = byPath;
  const rate = Math.round(accepted / seconds);
  return `${accepted} accepted in ${seconds.toFixed(0)} s (${rate}/s), ${kafka} by kafka, ${fallback} by fallback, ${retries} retries`;
}
