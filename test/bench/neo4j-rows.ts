// Ticks into Neo4j against a hand-written script, and synchronous operations against a transaction for each.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { emptyKafka } from "../e2e/empty-kafka.ts";
import { queryNeo4j } from "../e2e/neo4j-query.ts";
import { readStack } from "../stack/read-stack.ts";
import { bin, type Child, flags, inFolder, root, runScript, startChild } from "./child.ts";
import { type Row, rowOf } from "./table.ts";

const CLIENTS = 32;
const SYNC_COUNT = 4_800;
/** Unmeasured, since a server that has just started compiles what it is asked. */
const SYNC_WARM_UP = 1_600;
const TICK_MS_MAX = 600_000;
const TOPICS = ["chat-message-requests", "session-operations"];
const ID_SECRET = "the secret of the benchmark";

interface Options {
  readonly data: string;
  readonly rounds: number;
  /** Operations that ticks apply. */
  readonly count: number;
}

/** Removes what lies in Neo4j; its schema stays. */
export async function emptyNeo4j(): Promise<void> {
  const { neo4j } = readStack();
  const some = "MATCH (n) WHERE NOT n:Tidegate WITH n LIMIT 5000 DETACH DELETE n RETURN count(n)";
  for (;;) if ((await queryNeo4j(neo4j, some)).values[0]?.[0] === 0) return;
}

/** The first operations of the file from Kafka into an empty graph, over either protocol. */
export async function tickRows({ data, rounds, count: limit }: Options): Promise<Row[]> {
  const { kafka, neo4j } = readStack();
  await emptyKafka(kafka);
  const gateway = await startChild([...flags, bin, "gateway", "--kafka", kafka, "--port", "0"], {});
  const KAFKA_URL = `${gateway.url}?dialect=tidegate`;
  const rates: { [side: string]: number[] } = { floor: [], bolt: [], http: [] };
  try {
    const count = await fill(KAFKA_URL, data, limit);
    const measure: { [side: string]: () => Promise<number> } = {
      floor: () => script("neo4j-script.ts", kafka, TOPICS.join(), count, neo4j.bolt, neo4j.user, neo4j.password),
      bolt: () => consumeAll(KAFKA_URL, neo4j.bolt, count),
      http: () => consumeAll(KAFKA_URL, neo4j.http, count),
    };
    for (let round = 1; round <= rounds; round++) {
      for (const side of round % 2 === 1 ? ["floor", "bolt", "http"] : ["http", "bolt", "floor"]) {
        await emptyNeo4j();
        rates[side]!.push(await measure[side]!());
      }
      const [floor, bolt, http] = ["floor", "bolt", "http"].map((side) => rates[side]!.at(-1)!.toFixed(0));
      console.log(`ticks ${round}/${rounds}: script ${floor}/s, bolt ${bolt}/s, Query API ${http}/s`);
    }
  } finally {
    await gateway.stop();
    await emptyKafka(kafka);
    await emptyNeo4j();
  }
  const { floor = [], bolt = [], http = [] } = rates;
  return [
    rowOf("ticks into Neo4j over bolt, against a script", ratiosOf(bolt, floor), { atLeast: 0.5 }),
    rowOf("ticks into Neo4j over the Query API, against a script", ratiosOf(http, floor), { atLeast: 0.35 }),
    rowOf("ticks into Neo4j over bolt, rate", bolt, { unit: "/s" }),
    rowOf("script into Neo4j, rate", floor, { unit: "/s" }),
  ];
}

/** Puts the first operations of the file into Kafka, as the service makes them; answers how many it accepted. */
async function fill(KAFKA_URL: string, data: string, limit: number): Promise<number> {
  return inFolder(async (folder) => {
    const env = { KAFKA_URL, PORT: "0", DATA_DIR: folder, ROLE: "api", ID_SECRET, LOG_LEVEL: "error" };
    const service = await startChild([...flags, bin, "start"], env);
    const files = ["--rejects", join(folder, "rejects"), "--state", join(folder, "state")];
    const args = ["import", data, "--url", service.url, "--limit", String(limit), ...files, "--json"];
    const { accepted } = JSON.parse(await runScript([bin, ...args])) as { accepted: number };
    await service.stop();
    return accepted;
  });
}

/** Ticks from the first record to the last, as a cluster that nobody has read yet; from when the service listens. */
function consumeAll(KAFKA_URL: string, NEO4J_URL: string, count: number): Promise<number> {
  const { neo4j } = readStack();
  return inFolder(async (folder) => {
    const login = { NEO4J_URL, NEO4J_USER: neo4j.user, NEO4J_PASSWORD: neo4j.password };
    const env = { KAFKA_URL, KAFKA_CLUSTER: randomUUID(), PORT: "0", DATA_DIR: folder, ID_SECRET, LOG_LEVEL: "error" };
    const service = await startChild([...flags, bin, "start"], { ...env, ...login, ROLE: "consumer" });
    const began = performance.now();
    try {
      await until(async () => (await queryNeo4j(neo4j, "MATCH (l:Ledger) RETURN count(l)")).values[0]?.[0] === count);
      return count / ((performance.now() - began) / 1_000);
    } finally {
      await service.stop();
    }
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + TICK_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`Not everything was applied within ${TICK_MS_MAX} ms`);
    await delay(50);
  }
}

/** 32 clients that wait for their operations to be applied. */
export async function syncRows({ data, rounds }: Omit<Options, "count">): Promise<Row[]> {
  const { neo4j } = readStack();
  const login = { NEO4J_URL: neo4j.bolt, NEO4J_USER: neo4j.user, NEO4J_PASSWORD: neo4j.password };
  const rates: { [what: string]: number[] } = {};
  const note = (what: string, rate: number): void => {
    rates[what] = [...(rates[what] ?? []), rate];
  };
  const measure = (service: Child, where: string) => ({
    own: () => script("load.ts", service.url, data, CLIENTS, SYNC_COUNT, 200, where),
    floor: () => {
      const to = [neo4j.bolt, neo4j.user, neo4j.password];
      return script("neo4j-transactions.ts", data, CLIENTS, SYNC_COUNT / 4, where, ...to);
    },
  });
  for (let round = 1; round <= rounds; round++) {
    for (const where of ["different", "one"]) {
      await emptyNeo4j();
      await inFolder(async (folder) => {
        const env = { ENABLE_KAFKA: "false", PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" };
        const service = await startChild([...flags, bin, "start"], { ...env, ...login });
        const sides = measure(service, where);
        await script("load.ts", service.url, data, CLIENTS, SYNC_WARM_UP, 200, where);
        for (const side of round % 2 === 1 ? (["floor", "own"] as const) : (["own", "floor"] as const)) {
          note(`${where} ${side}`, await sides[side]());
        }
        await service.stop();
      });
      const [floor, own] = ["floor", "own"].map((side) => rates[`${where} ${side}`]!.at(-1)!);
      console.log(
        `synchronous, ${where} ${round}/${rounds}: transactions ${floor!.toFixed(0)}/s, service ${own!.toFixed(0)}/s, ratio ${(own! / floor!).toFixed(1)}`,
      );
    }
  }
  await emptyNeo4j();
  const ratio = (where: string) => ratiosOf(rates[`${where} own`]!, rates[`${where} floor`]!);
  return [
    rowOf("synchronous operations in different conversations, against a transaction each", ratio("different"), {
      atLeast: 2.5,
    }),
    rowOf("synchronous operations in one conversation, against a transaction each", ratio("one"), { atLeast: 6 }),
    rowOf("synchronous operations in different conversations, rate", rates["different own"]!, { unit: "/s" }),
  ];
}

const ratiosOf = (own: readonly number[], floor: readonly number[]): number[] => own.map((rate, i) => rate / floor[i]!);

async function script(name: string, ...args: readonly (string | number)[]): Promise<number> {
  return JSON.parse(await runScript([join(root, "test/bench", name), ...args.map(String)])).rate;
}
