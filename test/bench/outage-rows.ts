// What requests wait for when Kafka is dead or frozen: the service with its defaults, on files.
import { setTimeout as delay } from "node:timers/promises";
import { parseConfig } from "../../src/config.ts";
import { flows } from "../../src/flows/index.ts";
import { freePorts } from "../stack/ports.ts";
import { pausePart, resumePart } from "../stack/stack.ts";
import { readOperations } from "./operations.ts";
import { type Load, rawRequest, sendAll } from "./requests.ts";
import { withGateway, withService } from "./stack-gateway.ts";
import { type Row, rowOf } from "./table.ts";

const CLIENTS = 32;
const WARM_UP = 3_000;
const REQUESTS = 12_000;
/** How long requests go through Kafka before it is frozen. */
const FREEZE_AFTER_MS = 700;
const { KAFKA_PRODUCE_DEADLINE_MS: DEADLINE_MS, KAFKA_BREAKER_FAILURES: THRESHOLD } = parseConfig({}, flows);

interface Options {
  readonly data: string;
  readonly rounds: number;
  /** A share of the requests, to try it out. */
  readonly share: number;
}

type Post = (url: string, total: number) => Promise<Load>;

/** Messages by 32 clients, each its own and of a conversation of the file. */
function poster(data: string, share: number): Post {
  const bodies = readOperations(data, 4_000)
    .filter(({ flow }) => flow === "chat-messages")
    .map(({ data: { id: _, ...rest } }) => JSON.stringify(rest));
  return async (url, total) => {
    const requests = bodies.map((body) => rawRequest(url, "POST /v1/chat-messages/create", body));
    const load = await sendAll({
      url,
      requests,
      clients: CLIENTS,
      total: Math.ceil(total * share),
      waitMs: DEADLINE_MS / 2,
    });
    if (load.failed > 0) throw new Error(`${load.failed} requests were not accepted`);
    return load;
  };
}

/** Broker dead and breaker open, against Kafka switched off. */
export async function deadRows({ data, rounds, share }: Options): Promise<Row[]> {
  const post = poster(data, share);
  const measure = (env: Record<string, string>): Promise<Load> =>
    withService(env, async ({ url }) => {
      await post(url, WARM_UP);
      return post(url, REQUESTS);
    });
  const [port] = await freePorts(1);
  const sides = {
    direct: { ENABLE_KAFKA: "false" },
    fallback: { KAFKA_URL: `http://127.0.0.1:${port}?dialect=tidegate` },
  };
  const loads: Record<keyof typeof sides, Load[]> = { direct: [], fallback: [] };
  for (let round = 1; round <= rounds; round++) {
    const order = ["direct", "fallback"] as const;
    for (const side of round % 2 === 1 ? order : order.toReversed()) loads[side].push(await measure(sides[side]));
    const said = order
      .map((side) => [side, loads[side].at(-1)!] as const)
      .map(([side, { p50, p99 }]) => {
        return `${side} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
      });
    console.log(`dead ${round}/${rounds}: ${said.join("; ")}`);
  }
  const ratios = (of: "p50" | "p99"): number[] => loads.fallback.map((load, i) => load[of] / loads.direct[i]![of]);
  return [
    rowOf("Kafka dead: fallback p50, against direct", ratios("p50"), { atMost: 1.25 }),
    rowOf("Kafka dead: fallback p99, against direct", ratios("p99"), { atMost: 1.6 }),
    rowOf(
      "Kafka dead: fallback p50",
      loads.fallback.map(({ p50 }) => p50),
      { unit: " ms" },
    ),
    rowOf(
      "Kafka dead: fallback p99",
      loads.fallback.map(({ p99 }) => p99),
      { unit: " ms" },
    ),
  ];
}

/** The gateway or Kafka itself frozen under load, ports open. */
export async function frozenRows({ data, rounds, share }: Options): Promise<Row[]> {
  const post = poster(data, share);
  return withGateway(async (gateway) => {
    const freezing = {
      gateway: { freeze: () => gateway.signal("SIGSTOP"), wake: () => gateway.signal("SIGCONT") },
      Kafka: { freeze: () => pausePart("kafka"), wake: () => resumePart("kafka") },
    };
    const rows: Row[] = [];
    for (const [what, { freeze, wake }] of Object.entries(freezing)) {
      const loads: Load[] = [];
      for (let round = 1; round <= rounds; round++) {
        const load = await withService({ KAFKA_URL: `${gateway.url}?dialect=tidegate` }, async ({ url }) => {
          await post(url, WARM_UP);
          const loading = post(url, REQUESTS);
          await delay(FREEZE_AFTER_MS);
          freeze();
          return loading.finally(wake);
        });
        loads.push(load);
        const { waited, max, maxOfOthers } = load;
        console.log(
          `${what} frozen ${round}/${rounds}: ${waited} waited, ${max.toFixed(0)} ms at most; the others ${maxOfOthers.toFixed(0)} ms at most`,
        );
      }
      const longest = loads.map(({ max, maxOfOthers }) => max / (DEADLINE_MS + maxOfOthers));
      const waited = loads.map((load) => load.waited);
      rows.push(
        rowOf(`${what} frozen: longest request, against deadline and an apply`, longest, { atMost: 1 }),
        rowOf(`${what} frozen: requests that wait`, waited, { atMost: CLIENTS + THRESHOLD }),
      );
    }
    return rows;
  });
}
