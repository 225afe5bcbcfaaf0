// One Kafka node: version 4 with KRaft, or version 3.9 with ZooKeeper.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Admin } from "@platformatic/kafka";
import { type Part, properties, runJava } from "./part.ts";

const ASK_MS = 3_000;
const HEAP = "-Xmx512m";

/** One node with one copy of everything. */
const ALONE = {
  "offsets.topic.replication.factor": 1,
  "offsets.topic.num.partitions": 4,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.min.isr": 1,
  "transaction.state.log.num.partitions": 4,
  "share.coordinator.state.topic.replication.factor": 1,
  "share.coordinator.state.topic.min.isr": 1,
  "share.coordinator.state.topic.num.partitions": 4,
  "group.initial.rebalance.delay.ms": 0,
  "log.cleaner.dedupe.buffer.size": 16_777_216,
  // A misspelt topic is an error here, as in most clusters.
  "auto.create.topics.enable": false,
};

const shared = {
  name: "kafka",
  javaLeast: 17,
  addresses: ([port]: readonly number[]) => ({ bootstrap: `127.0.0.1:${port}` }),
  ask: async ({ bootstrap }: Readonly<Record<string, string>>) => {
    const admin = new Admin({
      clientId: "stack",
      bootstrapBrokers: [bootstrap!],
      retries: 0,
      connectTimeout: ASK_MS,
      requestTimeout: ASK_MS,
    });
    try {
      const { brokers } = await admin.metadata({ topics: [] });
      if (brokers.size === 0) throw new Error("Kafka names no broker yet");
    } finally {
      await admin.close().catch(() => {});
    }
  },
  variables: ({ bootstrap }: Readonly<Record<string, string>>) => ({ KAFKA_BROKERS: bootstrap! }),
} as const;

/** Kafka with KRaft, node and controller in one. */
export const kafka: Part = {
  ...shared,
  about: "Kafka 4.4.0 (KRaft)",
  pom: "kafka",
  portCount: 2,
  async prepare({ folder, jars, java, ports: [port, controllerPort] }) {
    const file = join(folder, "server.properties");
    writeFileSync(
      file,
      properties({
        ...ALONE,
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
        listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": join(folder, "data"),
      }),
    );
    const classpath = ["-cp", `${jars}/*`];
    const id = randomBytes(16);
    // The tool takes an id that begins with "-" for an option.
    id[0]! &= 0x7f;
    await runJava(java, [
      ...classpath,
      "kafka.tools.StorageTool",
      "format",
      "-t",
      id.toString("base64url"),
      "-c",
      file,
    ]);
    return { args: [HEAP, "-XX:+UseSerialGC", ...classpath, "kafka.Kafka", file] };
  },
};

/** Kafka that keeps its metadata in ZooKeeper. */
export const kafkaWithZookeeper: Part = {
  ...shared,
  about: "Kafka 3.9.2 (ZooKeeper)",
  pom: "kafka-zookeeper",
  portCount: 1,
  async prepare({ folder, jars, ports: [port], portsOf }) {
    const file = join(folder, "server.properties");
    writeFileSync(
      file,
      properties({
        ...ALONE,
        "broker.id": 1,
        listeners: `PLAINTEXT://127.0.0.1:${port}`,
        "zookeeper.connect": `127.0.0.1:${portsOf.zookeeper![0]}`,
        "log.dirs": join(folder, "data"),
      }),
    );
    return { args: [HEAP, "-XX:+UseSerialGC", "-cp", `${jars}/*`, "kafka.Kafka", file] };
  },
};
