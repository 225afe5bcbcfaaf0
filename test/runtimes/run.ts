// npm run test:runtimes [-- --only node,deno,bun,workerd,wrangler] [--skip-suites]
// Starts the service on every runtime, holds each to the conformance suite, and prints one table: rows are cases, columns
// are runtimes. Node and Deno (by bolt) and workerd (by the Query API) are held to it once more on the real Kafka and Neo4j,
// when `npm run stack -- --detach` runs. Then runs the contract and property suites on the runtimes that can run them. Exit
// code 1 when anything fails.
import { hash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../../build/worker.ts";
import { pathCases } from "../conformance/accept-cases.ts";
import { CASES } from "../conformance/cases.ts";
import { conform, type Verdict } from "../conformance/conform.ts";
import { emptyKafka } from "../e2e/empty-kafka.ts";
import { emptyGraph } from "../e2e/neo4j-database.ts";
import { readStack } from "../stack/read-stack.ts";
import { readState } from "../stack/state.ts";
import { freePort } from "../support/tidegate-process.ts";
import { install } from "./install.ts";
import {
  type Command,
  LONG_LIVED,
  NODE,
  ROOT,
  type RunningService,
  type Runtime,
  runProgram,
  startService,
} from "./runtime.ts";
import { table } from "./table.ts";
import { WORKERD_RUNTIME, WRANGLER_RUNTIME } from "./workerd.ts";

const RUNTIMES: readonly Runtime[] = [...LONG_LIVED, WORKERD_RUNTIME, WRANGLER_RUNTIME];

const { values } = parseArgs({
  options: { only: { type: "string" }, "skip-suites": { type: "boolean", default: false } },
});

/** The runtimes that are held to the suite on the real parts as well, and how each reaches Neo4j. */
const ON_REAL_PARTS: { readonly [runtime: string]: "bolt" | "http" } = { node: "bolt", deno: "bolt", workerd: "http" };

const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");
const CONTRACTS = "suite: contracts of database and broker";

/** Verdicts of one runtime by row. */
type Column = Map<string, Verdict>;

const root = mkdtempSync(join(tmpdir(), "tidegate-runtimes-"));
process.exitCode = await main().finally(() => rmSync(root, { recursive: true, force: true }));

async function main(): Promise<number> {
  install();
  await buildWorker();
  if (readState() === undefined) {
    console.log(
      '\n!!! skipped: the rows "real parts": Kafka and Neo4j do not run here: npm run stack -- --detach !!!\n',
    );
  }
  const chosen = RUNTIMES.filter(({ name }) => values.only?.split(",").includes(name) ?? true);
  const columns = new Map<string, Column>();
  for (const runtime of chosen) {
    console.log(`${runtime.name} …`);
    columns.set(runtime.name, await columnOf(runtime));
  }
  for (const line of table(columns)) console.log(line);
  const all = [...columns].flatMap(([name, column]) => [...column].map(([row, verdict]) => ({ name, row, verdict })));
  const failed = all.filter(({ verdict }) => verdict.verdict === "FAILED");
  for (const { name, row, verdict } of failed) console.log(`\n${name}: ${row}\n  ${verdict.error}`);
  console.log(`\n${all.length} cells, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

async function columnOf(runtime: Runtime): Promise<Column> {
  const column: Column = new Map();
  const add = (way: string) => (verdict: Verdict) => void column.set(way + verdict.name, verdict);
  const folder = (name: string): string => join(root, runtime.name, name);
  await attempt(column, "embedded: starts and stops", async () => {
    await using service = await startService(runtime, folder("embedded"));
    const cases = CASES.filter(({ needs }) => needs === undefined);
    await conform({ url: service.url, key: undefined, gateway: undefined, path: "kafka" }, cases, add(""));
    await stop(runtime, service);
  });
  await attempt(column, "gateway: starts and stops", async () => {
    await using gateway = await startGateway(folder("gateway-log"));
    await using service = await startService(runtime, folder("gateway"), { KAFKA_URL: gateway.url, AUTH: "none" });
    const target = { url: service.url, key: undefined, gateway: gateway.url, path: "kafka" } as const;
    await conform(target, [...CASES.filter(({ needs }) => needs === "gateway"), ...pathCases], add("gateway: "));
    await stop(runtime, service);
  });
  for (const [path, env] of [
    ["fallback", { KAFKA_URL: `http://127.0.0.1:${await freePort()}` }],
    ["direct", { ENABLE_KAFKA: "false" }],
  ] as const) {
    await attempt(column, `${path}: starts and stops`, async () => {
      await using service = await startService(runtime, folder(path), env);
      const target = { url: service.url, key: undefined, gateway: undefined, path };
      await conform(target, pathCases, add(`${path}: `));
      await stop(runtime, service);
    });
  }
  const protocol = ON_REAL_PARTS[runtime.name];
  if (protocol !== undefined && readState() !== undefined) {
    await attempt(column, "real parts: starts and stops", async () => {
      const { kafka, neo4j } = readStack();
      await Promise.all([emptyKafka(kafka), emptyGraph()]);
      await using gateway = await startGateway(folder("real-gateway"), ["--kafka", kafka]);
      const login = { NEO4J_URL: neo4j[protocol], NEO4J_USER: neo4j.user, NEO4J_PASSWORD: neo4j.password };
      const env = { KAFKA_URL: gateway.url, AUTH: "none", ...login };
      await using service = await startService(runtime, folder("real"), env);
      const target = { url: service.url, key: undefined, gateway: gateway.url, path: "kafka" } as const;
      const cases = CASES.filter(({ needs }) => needs !== "key");
      await conform(target, cases, add("real parts: "));
      await stop(runtime, service);
      await emptyGraph();
    });
  }
  await attempt(column, "keys: starts and stops", async () => {
    const { key, entry } = await makeKey();
    await using service = await startService(runtime, folder("keys"), { API_KEYS: entry });
    const target = { url: service.url, key, gateway: undefined, path: "kafka" } as const;
    await conform(target, [...CASES.filter(({ needs }) => needs === "key"), ...pathCases], add("keys: "));
    await stop(runtime, service);
  });
  if (runtime.stops !== "at once") {
    await attempt(column, "a .env file is read, and nothing listens beyond loopback without credentials", () =>
      refuses(runtime, folder("refused")),
    );
  }
  if (!values["skip-suites"]) await suites(runtime, column);
  return column;
}

/** Kafka's REST gateway, on Node: over a log of its own unless `over` says otherwise. */
function startGateway(folder: string, over?: readonly string[]) {
  const start: Runtime["start"] = (place) => {
    const [program, bin] = NODE.start(place);
    return [program, bin!, "gateway", "--port", String(place.port), ...(over ?? ["--data", place.data])];
  };
  return startService({ name: "the gateway", start }, folder);
}

/** A key that may do everything, and its entry in API_KEYS. */
async function makeKey(): Promise<{ key: string; entry: string }> {
  const key = `tg_${randomBytes(32).toString("base64url")}`;
  return { key, entry: `${hash("sha256", key, "base64url")}:default:admin` };
}

async function refuses(runtime: Runtime, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, ".env"), "HOST=0.0.0.0\n");
  const place = { folder, data: join(folder, "data"), port: 0, sidePort: 0, env: {} };
  const command = runtime.start(place);
  const { code, output } = await runProgram(command, join(folder, "output.txt"), { PORT: "0" }, folder);
  if (code === 0 || !output.includes("beyond loopback")) throw new Error(`exit code ${code}: ${output.slice(-500)}`);
}

/** The contract and property suites on the runtime's own SQLite: as programs, or inside Durable Objects. */
async function suites({ name, program, pool }: Runtime, column: Column): Promise<void> {
  const inside = (file: string): Command => [
    ...([process.execPath, VITEST, "run", "--config", "vitest.workerd.config.ts", file] as const),
  ];
  const contracts = [
    "test/contract/database.test.ts",
    "test/contract/broker.test.ts",
    "test/gateway/sqlite-log.test.ts",
  ];
  const jobs: { readonly [row: string]: Command } =
    program !== undefined
      ? {
          [CONTRACTS]: program(VITEST, "run", `--pool=${pool}`, ...contracts),
          "suite: properties, 200 cases of each": program(join(ROOT, "test/property/run.ts"), "--runs", "200"),
        }
      : name === WORKERD_RUNTIME.name
        ? {
            [CONTRACTS]: inside("test/runtimes/durable-object.suite.ts"),
            "suite: properties, 50 cases of each": inside("test/runtimes/properties.suite.ts"),
          }
        : {};
  for (const [row, command] of Object.entries(jobs)) {
    await attempt(column, row, async () => {
      const env = { CI: "1", WRANGLER_SEND_METRICS: "false" };
      const { code, output } = await runProgram(command, join(root, `${name}-suite.txt`), env);
      if (code !== 0) throw new Error(`exit code ${code}: ${output.slice(-2_000)}`);
    });
  }
}

/** Ends a service as an operator would. */
async function stop(runtime: Runtime, service: RunningService): Promise<void> {
  const code = await service.stop();
  if (runtime.stops === "at once") return;
  if (code !== 0) throw new Error(`exit code ${code} after SIGTERM: ${service.output().slice(-500)}`);
  if (!service.output().includes("Tidegate has stopped")) {
    throw new Error(`did not stop by itself: ${service.output().slice(-500)}`);
  }
}

async function attempt(column: Column, name: string, work: () => Promise<void>): Promise<void> {
  const beganMs = performance.now();
  let error: string | undefined;
  try {
    await work();
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  const ms = Math.round(performance.now() - beganMs);
  column.set(name, error === undefined ? { name, verdict: "ok", ms } : { name, verdict: "FAILED", ms, error });
}
