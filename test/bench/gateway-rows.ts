// The gateway on a real Kafka against hand-written programs with the same library: producing batches, and reading many
// partitions.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Admin } from "@platformatic/kafka";
import { readKafka } from "../stack/read-stack.ts";
import { bin, type Child, flags, root, runScript, startChild } from "./child.ts";
import { type Row, rowOf } from "./table.ts";

const PARTITIONS = 3;
const READ_TOPICS = 8;
const READ_BYTES = 1_048_576;
const READ_ROUNDS = 2;

/** Rows of the gateway on the stack's Kafka; `count` records are produced per side and round. */
export async function gatewayRows({
  data,
  rounds,
  count,
}: {
  data: string;
  rounds: number;
  count: number;
}): Promise<Row[]> {
  const kafka = readKafka();
  const prefix = `bench-${randomBytes(4).toString("hex")}`;
  const admin = new Admin({ clientId: "bench", bootstrapBrokers: [kafka] });
  const produced = ["floor", "gateway"].map((side) => `${prefix}-${side}`);
  const read = Array.from({ length: READ_TOPICS }, (_, i) => `${prefix}-read-${i}`);
  await admin.createTopics({ topics: [...produced, ...read], partitions: PARTITIONS, replicas: 1 });
  const gateway = await startChild([...flags, bin, "gateway", "--kafka", kafka, "--port", "0"], {});
  try {
    for (const topic of read) await script("tcp-producer.ts", kafka, topic, data, Math.ceil(count / READ_TOPICS));
    return [
      ...(await produceRows({ data, rounds, count, kafka, gateway, topics: produced })),
      ...(await readRows({ rounds, kafka, gateway, topics: read })),
    ];
  } finally {
    await gateway.stop();
    await admin.deleteTopics({ topics: [...produced, ...read] });
    await admin.close();
  }
}

interface Sides {
  readonly rounds: number;
  readonly kafka: string;
  readonly gateway: Child;
  readonly topics: readonly string[];
}

async function produceRows(sides: Sides & { readonly data: string; readonly count: number }): Promise<Row[]> {
  const { data, count, kafka, gateway, topics } = sides;
  const [floor = "", own = ""] = topics;
  const rates = await compare("produce", sides.rounds, {
    floor: () => script("tcp-producer.ts", kafka, floor, data, count),
    gateway: () => script("gateway-producer.ts", gateway.url, own, data, count),
  });
  return rowsOf("gateway, batches of 500 produced", rates, 0.4);
}

async function readRows({ rounds, kafka, gateway, topics }: Sides): Promise<Row[]> {
  const args = [topics.join(","), PARTITIONS, READ_BYTES, READ_ROUNDS] as const;
  const rates = await compare("read", rounds, {
    floor: () => script("tcp-reader.ts", kafka, ...args),
    gateway: () => script("gateway-reader.ts", gateway.url, ...args),
  });
  return rowsOf(`gateway, ${READ_TOPICS * PARTITIONS} partitions read`, rates, 0.5);
}

interface Rates {
  readonly ratios: number[];
  readonly floor: number[];
  readonly gateway: number[];
}

/** Both sides one after the other in every round, and who begins takes turns. */
async function compare(
  name: string,
  rounds: number,
  sides: { floor: () => Promise<number>; gateway: () => Promise<number> },
): Promise<Rates> {
  const rates: Rates = { ratios: [], floor: [], gateway: [] };
  for (let round = 1; round <= rounds; round++) {
    const first = round % 2 === 1 ? "floor" : "gateway";
    const measured = { [first]: await sides[first]() } as Record<"floor" | "gateway", number>;
    const second = first === "floor" ? "gateway" : "floor";
    measured[second] = await sides[second]();
    rates.floor.push(measured.floor);
    rates.gateway.push(measured.gateway);
    rates.ratios.push(measured.gateway / measured.floor);
    console.log(
      `${name} ${round}/${rounds}: floor ${measured.floor.toFixed(0)}/s, gateway ${measured.gateway.toFixed(0)}/s, ratio ${rates.ratios.at(-1)!.toFixed(2)}`,
    );
  }
  return rates;
}

function rowsOf(name: string, { ratios, floor, gateway }: Rates, atLeast: number): Row[] {
  return [
    rowOf(`${name}, against TCP`, ratios, { atLeast }),
    rowOf(`${name}, rate`, gateway, { unit: "/s" }),
    rowOf(`${name}, rate of the floor`, floor, { unit: "/s" }),
  ];
}

async function script(name: string, ...args: readonly (string | number)[]): Promise<number> {
  return JSON.parse(await runScript([join(root, "test/bench", name), ...args.map(String)])).rate;
}
