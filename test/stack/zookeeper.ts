// ZooKeeper, for a Kafka of the years before KRaft.
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Part, properties } from "./part.ts";

const ASK_MS = 2_000;

/** One ZooKeeper server. */
export const zookeeper: Part = {
  name: "zookeeper",
  about: "ZooKeeper 3.8.4",
  pom: "kafka-zookeeper",
  javaLeast: 17,
  portCount: 1,
  async prepare({ folder, jars, ports: [port] }) {
    const file = join(folder, "zookeeper.properties");
    const dataDir = join(folder, "data");
    mkdirSync(dataDir);
    writeFileSync(
      file,
      properties({
        dataDir,
        clientPort: port!,
        clientPortAddress: "127.0.0.1",
        "admin.enableServer": false,
        "4lw.commands.whitelist": "ruok",
      }),
    );
    const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    return { args: ["-Xmx128m", "-XX:+UseSerialGC", "-cp", `${jars}/*`, main, file] };
  },
  addresses: ([port]) => ({ connect: `127.0.0.1:${port}` }),
  async ask({ connect: address }) {
    const socket = connect({ host: "127.0.0.1", port: Number(address!.split(":")[1]) });
    try {
      socket.setTimeout(ASK_MS, () => socket.destroy(new Error("ZooKeeper does not answer")));
      await once(socket, "connect");
      socket.end("ruok");
      const answer = await text(socket);
      if (answer !== "imok") throw new Error(`ZooKeeper answers ${JSON.stringify(answer)} to "ruok"`);
    } finally {
      socket.destroy();
    }
  },
  variables: () => ({}),
};
