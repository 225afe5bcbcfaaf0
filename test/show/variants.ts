// The variants of the show: one import each, over another way, that has to end in the same graph.

import { freePort, waitFor } from "../support/tidegate-process.ts";
import { type LogContent, readLog } from "./gateway-log.ts";
import {
  type Checked,
  countApplied,
  createStage,
  type Imported,
  type Part,
  type Show,
  type Stage,
  waitForRest,
} from "./stage.ts";

/** What came of a variant. */
export interface Outcome {
  readonly seconds: number | null;
  readonly byPath: Imported["byPath"] | null;
  readonly accepted: number | null;
  readonly rejects: number | null;
  readonly log: LogContent | null;
  readonly closes: boolean | null;
  readonly sha256: string;
  readonly sessions: number;
  readonly messages: number;
  readonly users: number;
  /** What does not hold, in words. */
  readonly failures: readonly string[];
}

const PROGRESS_MS = 600_000;

/** `ENABLE_KAFKA=true`: everything goes through the embedded log. */
export async function viaKafka(show: Show): Promise<Outcome> {
  const stage = createStage(show, "k");
  const service = await stage.service({ ENABLE_KAFKA: "true" });
  const imported = await stage.import(service.url);
  const outcome = await finish(show, stage, service, imported, () => stage.log(stage.path("data")));
  const { kafka, direct, fallback } = sumPaths(outcome.checked);
  return expecting(outcome, {
    "everything went by kafka":
      imported.byPath.kafka === imported.accepted && kafka === imported.accepted && direct + fallback === 0,
    "the log holds each operation": outcome.log!.ids.size === imported.accepted,
  });
}

/** `ENABLE_KAFKA=false`: everything is applied directly. */
export async function directly(show: Show): Promise<Outcome> {
  const stage = createStage(show, "d");
  const service = await stage.service({ ENABLE_KAFKA: "false" });
  const imported = await stage.import(service.url);
  const outcome = await finish(show, stage, service, imported, () => stage.log(stage.path("data")));
  const { kafka, direct, fallback } = sumPaths(outcome.checked);
  return expecting(outcome, {
    "everything went directly":
      imported.byPath.direct === imported.accepted && direct === imported.accepted && kafka + fallback === 0,
    "the log is empty": outcome.log!.records === 0,
  });
}

/** The gateway as its own process fails for a while, and comes back. */
export async function throughOutage(show: Show): Promise<Outcome> {
  const stage = createStage(show, "o");
  const total = show.canonical.sessions + show.canonical.messages;
  const [stopAt, more] = show.small ? [Math.floor(total * 0.3), Math.floor(total * 0.1)] : [60_000, 10_000];
  const port = await freePort();
  let gateway = await stage.gateway(stage.path("gateway"), port);
  const service = await stage.service({ ENABLE_KAFKA: "true", KAFKA_URL: gatewayUrl(gateway) });
  const { process: importing, imported: importEnd } = stage.startImport(service.url);
  const alive = { process: importing, output: stage.path("import.log") };
  const everyMs = show.small ? 5 : 100;
  await waitFor(`${stopAt} applied operations`, PROGRESS_MS, async () => (await countApplied(service.url)) >= stopAt, {
    everyMs,
    alive,
  });
  if (show.small) importing.signal("SIGSTOP");
  await gateway.process.stop();
  const acceptedAtStop = stage.countAccepted();
  if (show.small) importing.signal("SIGCONT");
  const moreAccepted = (): boolean => stage.countAccepted() >= acceptedAtStop + more;
  await waitFor(`${more} more accepted operations`, PROGRESS_MS, moreAccepted, { everyMs, alive });
  gateway = await stage.gateway(stage.path("gateway"), port);
  const imported = await importEnd;
  const outcome = await finish(show, stage, service, imported, () => readLog(gateway.url));
  const registers = await stage.dump("--data", stage.path("data"), "--registers");
  const rebuilt = await rebuild(stage, { KAFKA_URL: gatewayUrl(gateway) });
  await gateway.process.stop();
  const { kafka, fallback } = sumPaths(outcome.checked);
  rebuiltOf.set("o", { ...rebuilt, wanted: registers.sha256 });
  return expecting(outcome, {
    "some went by kafka": imported.byPath.kafka > 0 && kafka > 0,
    "some went by fallback": imported.byPath.fallback > 0 && fallback > 0,
    "the log holds each operation": outcome.log!.ids.size === imported.accepted,
  });
}

/** The service is killed three times while the import runs, and everything is imported again. */
export async function throughKills(show: Show): Promise<Outcome> {
  const stage = createStage(show, "c");
  const total = show.canonical.sessions + show.canonical.messages;
  const random = seeded(show.seed);
  const points = Array.from({ length: 3 }, () => Math.floor(total * (0.05 + 0.9 * random()))).sort((a, b) => a - b);
  const port = await freePort();
  const env = { ENABLE_KAFKA: "true" };
  let service = await stage.service(env, port);
  const { process: importing, imported: importEnd } = stage.startImport(service.url);
  const alive = { process: importing, output: stage.path("import.log") };
  for (const point of points) {
    await waitFor(`${point} accepted operations`, PROGRESS_MS, () => stage.countAccepted() >= point, {
      everyMs: show.small ? 2 : 50,
      alive,
    });
    await service.process.stop("SIGKILL");
    service = await stage.service(env, port);
  }
  const first = await importEnd;
  const imported = await stage.import(service.url);
  const outcome = await finish(show, stage, service, imported, () => stage.log(stage.path("data")));
  return expecting(outcome, {
    "the second import accepted the same": imported.accepted === first.accepted,
    "the log holds each operation": outcome.log!.ids.size === imported.accepted,
    "the kills were felt": first.retries > 0,
  });
}

/** One process takes operations, two consume disjoint flows; all three share the embedded files. */
export async function withRoles(show: Show): Promise<Outcome> {
  const stage = createStage(show, "s");
  const api = await stage.service({ ENABLE_KAFKA: "true", ROLE: "api" });
  const consumers = [
    await stage.service({ ENABLE_KAFKA: "true", ROLE: "consumer", CONSUME: "session,memory,events" }),
    await stage.service({ ENABLE_KAFKA: "true", ROLE: "consumer", CONSUME: "chat-messages,activity" }),
  ];
  const imported = await stage.import(api.url);
  const stopConsumers = async (): Promise<LogContent> => {
    for (const consumer of consumers) await consumer.process.stop();
    return stage.log(stage.path("data"));
  };
  const outcome = await finish(show, stage, api, imported, stopConsumers);
  return expecting(outcome, { "the log holds each operation": outcome.log!.ids.size === imported.accepted });
}

interface Rebuilt {
  readonly visible: Awaited<ReturnType<Stage["dump"]>>;
  readonly registers: string;
  readonly closes: boolean;
}

const rebuiltOf = new Map<string, Rebuilt & { readonly wanted: string }>();

/** Rebuilds the graph of (k) and of (o) from Kafka alone; (o)'s was done while its gateway was there. */
export async function rebuiltFromKafka(show: Show): Promise<Outcome> {
  const stage = createStage(show, "k");
  const wanted = await stage.dump("--data", stage.path("data"), "--registers");
  const ofK = { ...(await rebuild(stage, {})), wanted: wanted.sha256 };
  const ofO = rebuiltOf.get("o");
  const nothing = { seconds: null, byPath: null, accepted: null, rejects: null, log: null, closes: null };
  return expecting(
    { ...nothing, ...ofK.visible, failures: [] },
    {
      "the rebuild of k met no obstacle": ofK.closes,
      "the rebuild of k has k's registers": ofK.registers === ofK.wanted,
      "there is a rebuild of o": ofO !== undefined,
      "the rebuild of o met no obstacle": ofO?.closes === true,
      "the rebuild of o has o's registers": ofO !== undefined && ofO.registers === ofO.wanted,
      "the rebuild of o has the canonical dump": ofO?.visible.sha256 === show.canonical.sha256,
    },
  );
}

async function rebuild(stage: Stage, env: { readonly [name: string]: string }): Promise<Rebuilt> {
  const into = stage.path("rebuilt.sqlite");
  const { code } = await stage.command(
    ["rebuild", "--into", into, "--data", stage.path("data")],
    { LOG_LEVEL: "warning", ...env },
    PROGRESS_MS,
  );
  return {
    visible: await stage.dump("--data", into),
    registers: (await stage.dump("--data", into, "--registers")).sha256,
    closes: code === 0,
  };
}

/** Waits for rest and looks at everything; the service is stopped before its log is read. */
async function finish(
  { canonical }: Show,
  stage: Stage,
  service: Part,
  imported: Imported,
  readContent: () => Promise<LogContent>,
): Promise<Outcome & { readonly checked: Checked }> {
  const checked = await waitForRest(service);
  const { closes, out } = await stage.check(service.url);
  const dump = await stage.dump("--url", service.url);
  const rejects = stage.rejects();
  const exitCode = await service.process.stop();
  const log = await readContent();
  const { seconds, byPath, accepted } = imported;
  const outcome = { seconds, byPath, accepted, rejects: rejects.length, log, closes, ...dump, checked, failures: [] };
  return expecting(outcome, {
    [`check --accepted closes:\n${out}`]: closes,
    "the service stopped well": exitCode === 0,
    "each empty message was rejected, with its reason":
      rejects.length === canonical.empty && rejects.every((line) => line.includes("#/content")),
    "nothing else was rejected": imported.rejected === canonical.empty,
  });
}

/** Adds what does not hold to the failures. */
function expecting<Found extends Outcome>(found: Found, holds: { readonly [statement: string]: boolean }): Found {
  const failed = Object.entries(holds).flatMap(([statement, held]) => (held ? [] : [`not so: ${statement}`]));
  return { ...found, failures: [...found.failures, ...failed] };
}

function sumPaths({ flows }: Checked): Imported["byPath"] {
  const sum = { kafka: 0, direct: 0, fallback: 0 };
  for (const { byPath } of Object.values(flows)) {
    sum.kafka += byPath.kafka;
    sum.direct += byPath.direct;
    sum.fallback += byPath.fallback;
  }
  return sum;
}

const gatewayUrl = ({ url }: Part): string => `${url}?dialect=tidegate`;

/** Mulberry32: the same numbers for the same seed, 0 to 1. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
