// What the show of the real parts plays with several consumers: three processes, first each with flows of its own, then
// sharing the partitions of all, one of them killed in the middle of the import.
import { flows } from "../../src/flows/index.ts";
import { readStack } from "../stack/read-stack.ts";
import { freePort } from "../support/tidegate-process.ts";
import { createTopics, envOf } from "./real-variants.ts";
import { countApplied, createStage, importUntil, type Part, type Show, type Stage, waitForRest } from "./stage.ts";
import type { Say, Told } from "./told.ts";

const DISJOINT_OPERATIONS = 15_000;
const OPERATIONS = 45_000;
const KILL_AT = 25_000;
/** Accepted operations that may wait in Kafka: the kill has to come while the import runs. */
const AHEAD_MAX = 5_000;
const PROGRESS_MS = 600_000;

type Env = { readonly [name: string]: string };

export async function threeConsumers(show: Show, say: Say): Promise<Told> {
  const stage = createStage(show, "c");
  const stack = readStack();
  const gateway = await stage.kafkaGateway(stack.kafka, await freePort());
  const env = envOf(stack, gateway, stack.neo4j.bolt);
  await createTopics(stage, env);
  const api = await stage.service({ ...env, ROLE: "api" });

  const others = flows.map(({ name }) => name).filter((name) => name !== "chat-messages" && name !== "session");
  const disjoint = await startConsumers(stage, env, ["chat-messages", "session", others.join()]);
  const own = await stage.import(api.url, DISJOINT_OPERATIONS);
  await waitForRest(api);
  const first = await countApplied(api.url);
  const stopped = await Promise.all(disjoint.map(({ process }) => process.stop()));
  say(`c ${first} applied by three consumers with flows of their own`);

  const sharing = await startConsumers(stage, env, ["", "", ""]);
  const leftOver = stage.countAccepted();
  const { process: importing, imported } = stage.startImport(api.url, OPERATIONS);
  const applied = (): Promise<number> => countApplied(api.url);
  await importUntil({ stage, importing, leftOver, applied, aheadMax: AHEAD_MAX }, KILL_AT, PROGRESS_MS);
  await sharing[0]!.process.stop("SIGKILL");
  const atKill = await countApplied(api.url);
  say(`c one of three that share is killed at ${atKill} applied`);
  const end = await imported;
  await waitForRest(api);
  const { closes, out } = await stage.check(api.url);
  const dump = await stage.dump("--url", api.url);
  for (const { process } of [...sharing.slice(1), api, gateway]) await process.stop();

  const alone = createStage(show, "c-embedded");
  const embedded = await alone.service({ ID_SECRET: env.ID_SECRET });
  await alone.import(embedded.url, OPERATIONS);
  await waitForRest(embedded);
  const wanted = await alone.dump("--url", embedded.url);
  await embedded.process.stop();
  return {
    holds: {
      [`three consumers with flows of their own applied ${first}`]: first === own.accepted,
      "and stopped well": stopped.every((code) => code === 0),
      [`one was killed in the middle, at ${atKill} of ${OPERATIONS}`]: atKill < OPERATIONS,
      [`the api applied nothing itself: ${end.byPath.fallback} by fallback`]: end.byPath.fallback === 0,
      [`check --accepted closes: ${out.trim()}`]: closes,
      [`the dump ${dump.sha256} is that of the embedded default`]: dump.sha256 === wanted.sha256,
      [`it holds ${dump.sessions} sessions and ${dump.messages} messages`]:
        dump.sessions + dump.messages === end.accepted,
    },
  };
}

/** One process for each list of flows; an empty list takes all. */
function startConsumers(stage: Stage, env: Env, consume: readonly string[]): Promise<Part[]> {
  return Promise.all(
    consume.map((names, i) =>
      stage.service({
        ...env,
        ROLE: "consumer",
        DATA_DIR: stage.path(`consumer-${i}`),
        ...(names === "" ? {} : { CONSUME: names }),
      }),
    ),
  );
}
