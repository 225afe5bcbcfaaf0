// Apicurio, a schema registry that speaks Confluent's API.
import type { Part } from "./part.ts";

const ASK_MS = 3_000;

/** The registry; it keeps its schemas in memory, so a restart of it is empty. */
export const registry: Part = {
  name: "registry",
  about: "Apicurio 3.3.3",
  pom: "registry",
  javaLeast: 21,
  portCount: 2,
  prepare: async ({ jars, ports: [port, management] }) => ({
    args: [
      "-Xmx256m",
      "-XX:+UseSerialGC",
      "-Dquarkus.http.host=127.0.0.1",
      `-Dquarkus.http.port=${port}`,
      "-Dquarkus.management.host=127.0.0.1",
      `-Dquarkus.management.port=${management}`,
      "-jar",
      `${jars}/quarkus-run.jar`,
    ],
  }),
  addresses: ([port]) => ({ url: `http://127.0.0.1:${port}/apis/ccompat/v7` }),
  async ask({ url }) {
    const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(ASK_MS) });
    if (!response.ok) throw new Error(`The registry answers ${response.status}`);
    await response.arrayBuffer();
  },
  variables: ({ url }) => ({ SCHEMA_REGISTRY_URL: url! }),
};
