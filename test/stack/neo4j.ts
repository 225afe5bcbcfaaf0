// One Neo4j with authentication on, over bolt and over its HTTP Query API.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Part, properties, runJava } from "./part.ts";

const ASK_MS = 3_000;
const USER = "neo4j";

/** Neo4j Community. */
export const neo4j: Part = {
  name: "neo4j",
  about: "Neo4j 5.26.30",
  pom: "neo4j",
  javaLeast: 17,
  portCount: 2,
  async prepare({ folder, jars, java, ports: [bolt, http], password }) {
    const conf = join(folder, "conf");
    mkdirSync(conf);
    writeFileSync(
      join(conf, "neo4j.conf"),
      properties({
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": `:${bolt}`,
        "server.bolt.advertised_address": `127.0.0.1:${bolt}`,
        "server.http.enabled": true,
        "server.http.listen_address": `:${http}`,
        "server.http.advertised_address": `127.0.0.1:${http}`,
        "server.https.enabled": false,
        "server.memory.pagecache.size": "128m",
        "dbms.usage_report.enabled": false,
      }),
    );
    const env = { NEO4J_HOME: folder, NEO4J_CONF: conf };
    const classpath = ["-cp", `${jars}/*`];
    await runJava(java, [...classpath, "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", password], env);
    const opened = ["java.base/java.nio", "java.base/java.lang", "java.base/sun.nio.ch"];
    return {
      args: [
        "-Xmx768m",
        ...opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
        ...classpath,
        "org.neo4j.server.CommunityEntryPoint",
        `--home-dir=${folder}`,
        `--config-dir=${conf}`,
      ],
      env,
    };
  },
  addresses: ([bolt, http]) => ({ bolt: `bolt://127.0.0.1:${bolt}`, http: `http://127.0.0.1:${http}` }),
  async ask({ http }, password) {
    const response = await fetch(`${http}/db/neo4j/query/v2`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`,
      },
      body: JSON.stringify({ statement: "RETURN 1" }),
      signal: AbortSignal.timeout(ASK_MS),
    });
    if (!response.ok) throw new Error(`Neo4j answers ${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
  },
  variables: ({ bolt }, password) => ({ NEO4J_URL: bolt!, NEO4J_USER: USER, NEO4J_PASSWORD: password }),
};
