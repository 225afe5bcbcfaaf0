// Outside requests of a scheduled tick in workerd, counted by proxies before the gateway and before Neo4j's Query API: one
// that finds 10,000 records over 8 topics of 3 partitions, and one that finds nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tidegate } from "../../src/adapters/broker/tidegate.ts";
import type { Submission } from "../../src/app/intake.ts";
import { SAMPLES } from "../app/tick-samples.ts";
import { type RunningService, startService } from "../runtimes/runtime.ts";
import { WORKERD_RUNTIME } from "../runtimes/workerd.ts";
import { readStack, type Stack } from "../stack/read-stack.ts";
import { readState } from "../stack/state.ts";
import { type CountingProxy, startCountingProxy } from "../support/counting-proxy.ts";
import { startService as startInProcess } from "../support/service.ts";
import type { Env } from "../support/tidegate-process.ts";
import { bin, flags, inFolder, root, runScript, startChild } from "./child.ts";
import { emptyNeo4j } from "./neo4j-rows.ts";
import { readOperations } from "./operations.ts";
import { type Row, rowOf } from "./table.ts";

const RECORDS = 10_000;
const BATCH = 500;
const BOUNDS = { gateway: 12, all: 45, idle: 3 };
const SKIPPED = "requests of a tick to Neo4j, and so all outside requests, need the real parts";

interface Counted {
  readonly gateway: number;
  readonly neo4j: number;
}

/** A Worker between two counting proxies. */
interface Place {
  readonly start: () => Promise<RunningService>;
  readonly takeCounts: () => Counted;
}

export async function tickRequestRows({ data }: { data: string }): Promise<Row[]> {
  const stack = readState() === undefined ? undefined : readStack().neo4j;
  if (stack === undefined) console.error(`\n!!! skipped: ${SKIPPED}: npm run stack -- --detach !!!\n`);
  else await emptyNeo4j();
  return inFolder(async (folder) => {
    const gateway = await startChild([...flags, bin, "gateway", "--data", join(folder, "log"), "--port", "0"], {});
    await using toGateway = await startCountingProxy(gateway.url);
    await using toNeo4j = stack === undefined ? undefined : await startCountingProxy(stack.http);
    try {
      await runScript([...flags, bin, "topics", "create"], { KAFKA_URL: kafkaUrl(gateway.url) });
      const env = {
        TICK_RECORDS: String(RECORDS),
        TICK_BYTES: deployedBytes(),
        KAFKA_URL: kafkaUrl(toGateway.url),
        ...neo4jEnv(stack, toNeo4j),
      };
      return await measure(
        {
          start: () => startService(WORKERD_RUNTIME, join(folder, "worker"), env),
          takeCounts: () => ({ gateway: toGateway.take().length, neo4j: toNeo4j?.take().length ?? 0 }),
        },
        () => fill(gateway.url, data),
        stack !== undefined,
      );
    } finally {
      await gateway.stop();
      if (stack !== undefined) await emptyNeo4j();
    }
  });
}

/** What a Worker is deployed with. */
function deployedBytes(): string {
  return /^TICK_BYTES = "(\d+)"$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))![1]!;
}

const kafkaUrl = (url: string): string => `${url}?dialect=tidegate`;

function neo4jEnv(stack: Stack["neo4j"] | undefined, proxy: CountingProxy | undefined): Env {
  if (stack === undefined || proxy === undefined) return {};
  return { NEO4J_URL: proxy.url, NEO4J_USER: stack.user, NEO4J_PASSWORD: stack.password };
}

async function measure({ start, takeCounts }: Place, filled: () => Promise<void>, whole: boolean): Promise<Row[]> {
  const counted = async (worker: RunningService, minute: number): Promise<Counted> => {
    takeCounts();
    await worker.scheduled(minute);
    return takeCounts();
  };
  await using worker = await start();
  // A tick that purges makes the schema, which is done once.
  await worker.scheduled(0);
  const idle = await counted(worker, 2);
  // Every fifteenth minute rows past their time are looked for.
  const purging = await counted(worker, 15);
  await filled();
  const busy = await counted(worker, 16);
  const { applied, atRest } = await accountOf(worker);
  console.log(`tick: ${applied} records, ${busy.gateway} requests to the gateway, ${busy.neo4j} to Neo4j`);
  if (applied !== RECORDS || !atRest) throw new Error(`One tick applied ${applied} of ${RECORDS} records`);
  await using fresh = await start();
  const first = await counted(fresh, 17);
  const all = ({ gateway, neo4j }: Counted): number => gateway + neo4j;
  const gatewayRow = rowOf(
    `tick of ${RECORDS} records, 8 topics of 3 partitions, requests to the gateway`,
    [busy.gateway],
    {
      atMost: BOUNDS.gateway,
    },
  );
  if (!whole)
    return [
      gatewayRow,
      rowOf("tick with nothing to do, requests to the gateway", [idle.gateway], { atMost: BOUNDS.idle }),
    ];
  return [
    gatewayRow,
    rowOf(`tick of ${RECORDS} records, 8 topics of 3 partitions, all outside requests`, [all(busy)], {
      atMost: BOUNDS.all,
    }),
    rowOf("tick with nothing to do, all outside requests", [all(idle)], { atMost: BOUNDS.idle }),
    rowOf("the same in the fifteenth minute, which looks for rows past their time", [all(purging)]),
    rowOf("the same as the first of an isolate", [all(first)]),
  ];
}

async function accountOf({ url }: RunningService): Promise<{ applied: number; atRest: boolean }> {
  const { flows, atRest } = (await (await fetch(`${url}/v1/check`)).json()) as {
    atRest: boolean;
    flows: { [flow: string]: { applied: number; superseded: number } };
  };
  return {
    applied: Object.values(flows).reduce((sum, { applied, superseded }) => sum + applied + superseded, 0),
    atRest,
  };
}

/** Fills the log through a service of this process: an operation of every flow in turn, with texts of real messages. */
async function fill(url: string, data: string): Promise<void> {
  const texts = readOperations(data, RECORDS).flatMap(({ data: { content } }) => content ?? []);
  await using service = await startInProcess({
    env: { USE_KAFKA: "true" },
    broker: () => tidegate({ url, cluster: "bench", partitions: 3, fetch }),
  });
  const items = Array.from({ length: RECORDS }, (_, i): Submission => {
    const item = SAMPLES[i % SAMPLES.length]!(i);
    return "content" in (item.data as object)
      ? { ...item, data: { ...(item.data as object), content: texts[i % texts.length] } }
      : item;
  });
  for (let from = 0; from < items.length; from += BATCH) {
    const answers = await service.composed.service.accept(items.slice(from, from + BATCH), "default");
    if (answers.some((answer) => "problem" in answer)) throw new Error("An operation was refused");
  }
}
