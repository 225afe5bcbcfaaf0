// Clients and batches through the service and the gateway to a real Kafka. The service is one with ROLE=api: what consumes is
// measured by itself.
import { join } from "node:path";
import { type Child, root, runScript, startChild } from "./child.ts";
import { withGateway, withService } from "./stack-gateway.ts";
import { type Row, rowOf } from "./table.ts";

const CLIENTS = 32;
const WARM_UP = 5_000;
const REQUESTS = 20_000;
/** Without company a request takes several times as long. */
const REQUESTS_ALONE = 8_000;
const BATCH_RECORDS = 100_000;
const TOPIC = "chat-message-requests";

interface Options {
  readonly data: string;
  readonly rounds: number;
  /** A share of the requests and records, to try it out. */
  readonly share: number;
}

/** 32 clients posting single operations, against a bare route under the same load and against the same without coalescing. */
export function singleRows({ data, rounds, share }: Options): Promise<Row[]> {
  const load = async (url: string, count: number): Promise<number> => {
    const run = (requests: number): Promise<number> =>
      rateOf("load.ts", url, data, CLIENTS, Math.ceil(requests * share));
    await run(WARM_UP);
    return run(count);
  };
  return withGateway(async ({ url }) => {
    const env = { KAFKA_URL: `${url}?dialect=tidegate`, ROLE: "api" };
    const rates = await interleave("single operations", rounds, {
      bare: () => withBare((bare) => load(bare.url, REQUESTS)),
      merged: () => withService(env, (service) => load(service.url, REQUESTS)),
      alone: () => withService({ ...env, KAFKA_COALESCE_RECORDS: "1" }, (service) => load(service.url, REQUESTS_ALONE)),
    });
    return [
      rowOf("single operations to Kafka, against bare route", ratios(rates.merged, rates.bare), { atLeast: 0.35 }),
      rowOf("single operations to Kafka, against coalescing off", ratios(rates.merged, rates.alone), { atLeast: 2 }),
      rowOf("single operations to Kafka, rate", rates.merged, { unit: "/s" }),
      rowOf("single operations to Kafka, rate of the bare route", rates.bare, { unit: "/s" }),
    ];
  });
}

/** JSON Lines of 500 operations, against the same batches as produce requests straight to the gateway. */
export function batchRows({ data, rounds, share }: Options): Promise<Row[]> {
  const count = Math.ceil(BATCH_RECORDS * share);
  return withGateway(async ({ url }) => {
    const env = { KAFKA_URL: `${url}?dialect=tidegate`, ROLE: "api" };
    const rates = await interleave("batches", rounds, {
      gateway: () => rateOf("gateway-producer.ts", url, TOPIC, data, count, "json"),
      service: () => withService(env, (service) => rateOf("batch-load.ts", service.url, data, count)),
    });
    return [
      rowOf("batches of 500 to Kafka, against the gateway", ratios(rates.service, rates.gateway), { atLeast: 0.4 }),
      rowOf("batches of 500 to Kafka, rate", rates.service, { unit: "/s" }),
      rowOf("batches of 500 to Kafka, rate of the gateway", rates.gateway, { unit: "/s" }),
    ];
  });
}

/** Every side once a round, in turns forwards and backwards. */
async function interleave<Side extends string>(
  name: string,
  rounds: number,
  sides: Record<Side, () => Promise<number>>,
): Promise<Record<Side, number[]>> {
  const names = Object.keys(sides) as Side[];
  const rates = Object.fromEntries(names.map((side) => [side, [] as number[]])) as Record<Side, number[]>;
  for (let round = 1; round <= rounds; round++) {
    for (const side of round % 2 === 1 ? names : names.toReversed()) rates[side].push(await sides[side]());
    const said = names.map((side) => `${side} ${rates[side].at(-1)!.toFixed(0)}/s`);
    console.log(`${name} ${round}/${rounds}: ${said.join(", ")}`);
  }
  return rates;
}

async function withBare<Result>(work: (bare: Child) => Promise<Result>): Promise<Result> {
  const bare = await startChild([join(root, "test/bench/bare-server.ts")], {});
  try {
    return await work(bare);
  } finally {
    await bare.stop();
  }
}

async function rateOf(name: string, ...args: readonly (string | number)[]): Promise<number> {
  const { rate, failed = 0 } = JSON.parse(await runScript([join(root, "test/bench", name), ...args.map(String)]));
  if (failed > 0) throw new Error(`${failed} requests of ${name} were not answered as they should be`);
  return rate;
}

const ratios = (own: readonly number[], others: readonly number[]): number[] => own.map((rate, i) => rate / others[i]!);
