// What the show of the runtimes plays: the same import on each, ticked as its platform ticks.
import { emptyKafka } from "../e2e/empty-kafka.ts";
import { emptyGraph } from "../e2e/neo4j-database.ts";
import { DENO_RUNTIME, NODE, type RunningService, type Runtime, startService } from "../runtimes/runtime.ts";
import { WORKERD_RUNTIME, WRANGLER_RUNTIME } from "../runtimes/workerd.ts";
import { readStack } from "../stack/read-stack.ts";
import { readState } from "../stack/state.ts";
import { type Env, freePort, waitFor } from "../support/tidegate-process.ts";
import { readLog } from "./gateway-log.ts";
import { createStage, type Imported, readCheck, type Show, type Stage, waitForRest } from "./stage.ts";
import type { Say, Told } from "./told.ts";

type Holds = Record<string, boolean>;

const TICKS_MS = 600_000;
const PAIRS_MIN = 50;
/** The paid plan's measure, and one at which ticks have to come again and again. */
const [MANY, FEW] = [{ TICK_RECORDS: "10000" }, { TICK_RECORDS: "200" }] as const;

/** On Node, whose loop consumes by itself. */
export async function onNode(show: Show): Promise<Told> {
  const stage = createStage(show, "n");
  await using service = await startService(NODE, stage.path("service"));
  const imported = await stage.import(service.url);
  await waitForRest(service);
  return { holds: await finish(show, stage, service, imported) };
}

/** In workerd, everything in the Durable Object; operations are queued until the scheduled handler is called. */
export const inWorkerd = (show: Show): Promise<Told> => queuedThenScheduled(show, "w", WORKERD_RUNTIME);

/** Under `wrangler dev`, by its test address of the scheduled handler. */
export const underWrangler = (show: Show): Promise<Told> => queuedThenScheduled(show, "d", WRANGLER_RUNTIME);

async function queuedThenScheduled(show: Show, name: string, runtime: Runtime): Promise<Told> {
  const stage = createStage(show, name);
  await using service = await startService(runtime, stage.path("service"), MANY);
  const imported = await stage.import(service.url);
  const queued = await readCheck(service.url);
  const ticks = await tickToRest(service);
  return {
    holds: {
      "everything was queued": sumApplied(queued) === 0 && imported.byPath.kafka === imported.accepted,
      [`all is applied after ${ticks} calls of the scheduled handler`]: true,
      ...(await finish(show, stage, service, imported)),
    },
  };
}

/**
 * In workerd, two ticks at once again and again while the import goes on, and everything killed in the middle, the Durable
 * Object with it; it is started again over the same storage.
 */
export async function twoTicksAtOnce(show: Show, say: Say): Promise<Told> {
  const stage = createStage({ ...show, small: true }, "t");
  const folder = stage.path("service");
  let service = await startService(WORKERD_RUNTIME, folder, FEW);
  const port = Number(new URL(service.url).port);
  try {
    const { process: importing, imported: importEnd } = stage.startImport(service.url);
    let isImporting = true;
    void importEnd
      .catch(() => undefined)
      .then(() => {
        isImporting = false;
      });
    const half = (show.canonical.sessions + show.canonical.messages) / 2;
    let [pairs, pairsUnderLoad, cut] = [0, 0, 0];
    let isKilled = false;
    while (isImporting || pairs < PAIRS_MIN) {
      const underLoad = isImporting;
      const pair = Promise.allSettled([service.scheduled(pairs), service.scheduled(pairs)]);
      if (!isKilled && stage.countAccepted() >= half) {
        isKilled = true;
        await service.stop("SIGKILL");
        await pair;
        say(`t killed after ${pairs} pairs of ticks and ${stage.countAccepted()} accepted operations`);
        service = await startService(WORKERD_RUNTIME, folder, FEW, port);
        continue;
      }
      const failed = (await pair).filter(({ status }) => status === "rejected").length;
      cut += failed;
      if (failed > 0) continue;
      pairs++;
      if (underLoad) pairsUnderLoad++;
    }
    const imported = await importEnd;
    await importing.exited;
    const ticks = await tickToRest(service);
    say(`t ${pairs} pairs of ticks, ${pairsUnderLoad} of them while operations came in; ${ticks} more until rest`);
    return {
      holds: {
        [`two scheduled ticks at once, ${pairsUnderLoad} times under load`]: pairsUnderLoad >= PAIRS_MIN,
        [`none of them failed but what was killed: ${cut}`]: cut === 0,
        [`the object was killed in the middle, and the import felt it: ${imported.retries} retries`]:
          isKilled && imported.retries > 0,
        ...(await finish(show, stage, service, imported)),
      },
    };
  } finally {
    await service.stop("SIGKILL");
  }
}

/** Deno and workerd on the real gateway, Kafka and Neo4j, by its Query API. */
export async function onRealParts(show: Show, say: Say): Promise<Told> {
  if (readState() === undefined) {
    say("\n!!! skipped: Deno and workerd on the real parts, which do not run: npm run stack -- --detach !!!\n");
    return { holds: {} };
  }
  const { kafka, neo4j } = readStack();
  const holds: Holds = {};
  const login = { NEO4J_URL: neo4j.http, NEO4J_USER: neo4j.user, NEO4J_PASSWORD: neo4j.password };
  for (const [runtime, budget] of [
    [DENO_RUNTIME, {}],
    [WORKERD_RUNTIME, MANY],
  ] as const) {
    const stage = createStage(show, `r-${runtime.name}`);
    await Promise.all([emptyKafka(kafka), emptyGraph()]);
    const gateway = await stage.kafkaGateway(kafka, await freePort());
    const env: Env = { KAFKA_URL: `${gateway.url}?dialect=tidegate`, ...login, ...budget };
    const service = await startService(runtime, stage.path("service"), env);
    try {
      const imported = await stage.import(service.url);
      say(`r ${runtime.name}: ${imported.accepted} accepted in ${imported.seconds.toFixed(0)} s`);
      if (runtime.cron === undefined) await waitForRest(service);
      else say(`r ${runtime.name}: at rest after ${await tickToRest(service)} ticks`);
      const log = await readLog(gateway.url);
      holds[`${runtime.name}: Kafka holds as many ids as were accepted: ${log.ids.size}`] =
        log.ids.size === imported.accepted;
      for (const [statement, held] of Object.entries(await finish(show, stage, service, imported)))
        holds[`${runtime.name}: ${statement}`] = held;
    } finally {
      await service.stop("SIGKILL");
      await gateway.process.stop();
    }
  }
  await emptyGraph();
  return { holds };
}

/** Calls the scheduled handler, minute by minute, until nothing is left to do; answers how often. */
async function tickToRest(service: RunningService): Promise<number> {
  let ticks = 0;
  const rest = async (): Promise<boolean> => {
    await service.scheduled(++ticks);
    return (await readCheck(service.url)).atRest;
  };
  await waitFor(`rest at ${service.url}`, TICKS_MS, rest, { everyMs: 1 });
  return ticks;
}

async function finish(show: Show, stage: Stage, { url }: RunningService, { accepted }: Imported): Promise<Holds> {
  const { closes, out } = await stage.check(url);
  const { sha256 } = await stage.dump("--url", url);
  const { sessions, messages } = show.canonical;
  return {
    [`check --accepted closes: ${out.trim().split("\n").at(-1)}`]: closes,
    [`the dump ${sha256} is the canonical one`]: sha256 === show.canonical.sha256,
    [`${accepted} operations were accepted`]: accepted === sessions + messages,
  };
}

function sumApplied({ flows }: Awaited<ReturnType<typeof readCheck>>): number {
  return Object.values(flows).reduce((sum, { applied }) => sum + applied, 0);
}
