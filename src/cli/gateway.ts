// `tidegate gateway`: the Kafka REST gateway alone, over a real Kafka or over a log in a SQLite file.
import { defineCommand } from "citty";
import { readCount } from "./arguments.ts";

const PORT_DEFAULT = 8082;
const PARTITIONS_MAX = 100;

const args = {
  kafka: {
    type: "string",
    valueHint: "brokers",
    description: "Kafka to stand on, like host:9092,host2; default KAFKA_BROKERS, else a log in a SQLite file",
  },
  host: { type: "string", default: "127.0.0.1", description: "Address to listen on" },
  port: { type: "string", default: String(PORT_DEFAULT), description: "Port to listen on; 0 takes a free one" },
  data: { type: "string", default: "./data", valueHint: "dir", description: "Folder of the log" },
  partitions: { type: "string", valueHint: "count", description: "Partitions of topics that are made; default 3" },
} as const;

export const gateway = defineCommand({
  meta: {
    name: "gateway",
    description: "Run the Kafka REST gateway alone, over a real Kafka or a log in a SQLite file",
  },
  args,
  async run({ args: { kafka, host, port, data, partitions } }): Promise<number> {
    const options = { host, port: readCount("port", port, 0, 65_535)!, dataDir: data, brokers: kafka };
    const count = readCount("partitions", partitions, 1, PARTITIONS_MAX);
    const env = count === undefined ? process.env : { ...process.env, KAFKA_TOPIC_PARTITIONS: String(count) };
    const { endOnSignal, stopOnSignal } = await import("../runtime/signals.ts");
    const started = endOnSignal();
    const { startGateway } = await import("../runtime/gateway-node.ts");
    const { url, stop } = await startGateway(options, env);
    started();
    // Standard output is the log, one JSON object a line.
    process.stderr.write(`The gateway listens on ${url}\n`);
    return stopOnSignal(stop);
  },
});
