// `tidegate schemas`: what records look like, in words that a schema registry understands.
import { defineCommand } from "citty";
import { isAtOdds, type SubjectReport, type TopicSchema, topicSchemas } from "../app/schemas.ts";
import { parseConfig } from "../config.ts";
import { configureFlows } from "../flows/configure.ts";
import type { Flow } from "../flows/define.ts";
import { flows as defined } from "../flows/index.ts";
import { loadEnvFile } from "./env-file.ts";
import { Failure, messageOf, usageFailure } from "./failure.ts";
import { formatTable } from "./text.ts";

const args = {
  action: {
    type: "positional",
    description: "check compares with the registry, push registers what is missing, show prints",
    valueHint: "check|push|show",
  },
  topic: { type: "string", valueHint: "name", description: "One topic alone; show then prints its schema" },
  url: {
    type: "string",
    valueHint: "url",
    description: "Schema registry, as in SCHEMA_REGISTRY_URL, which is the default",
  },
  json: { type: "boolean", description: "Print one JSON object" },
} as const;

export const schemas = defineCommand({
  meta: {
    name: "schemas",
    description: "The schemas of records at a schema registry; exit 0 if all are there (check: there or allowed)",
  },
  args,
  async run({ args: { action, topic, url, json } }): Promise<number> {
    if (action !== "check" && action !== "push" && action !== "show") {
      throw usageFailure(`Say check, push or show, not ${JSON.stringify(action)}`);
    }
    loadEnvFile();
    const config = parseConfig(url === undefined ? process.env : { ...process.env, SCHEMA_REGISTRY_URL: url }, defined);
    const flows = narrow(configureFlows(defined, config), topic);
    if (action === "show") return print(show(topicSchemas(flows), { json: json === true, one: topic !== undefined }));
    const { openRegistry } = await import("../runtime/schemas-node.ts");
    const { checkSchemas, pushSchemas } = await import("../app/schemas.ts");
    const registry = openRegistry(config);
    if (registry === undefined) throw usageFailure("Which schema registry? Set SCHEMA_REGISTRY_URL, or give --url");
    const reports = await (action === "push" ? pushSchemas : checkSchemas)(flows, registry).catch((error) => {
      throw new Failure(
        `${messageOf(error)}; see that it runs, and that the address is the one below which /subjects lies`,
      );
    });
    print(json === true ? asJson(registry.name, reports) : say(registry.name, reports));
    const isWell = ({ standing }: SubjectReport): boolean => action === "check" || standing.status === "registered";
    return reports.every((report) => !isAtOdds(report) && isWell(report)) ? 0 : 1;
  },
});

/** The flows with one topic alone. */
function narrow(flows: readonly Flow[], topic: string | undefined): readonly Flow[] {
  if (topic === undefined) return flows;
  const found = flows.filter(({ topics }) => topics.includes(topic)).map((flow) => ({ ...flow, topics: [topic] }));
  if (found.length > 0) return found;
  const known = flows.flatMap(({ topics }) => topics).join(", ");
  throw usageFailure(`No flow has the topic ${JSON.stringify(topic)}; there are ${known}`);
}

function show(found: readonly TopicSchema[], { json, one }: { json: boolean; one: boolean }): string {
  if (json) return JSON.stringify(Object.fromEntries(found.map(({ subject, schema }) => [subject, schema])));
  if (one) return JSON.stringify(found[0]!.schema, null, 2);
  const table = formatTable(
    ["SUBJECT", "RECORDS"],
    found.map(({ subject, kinds }) => [subject, kinds.join(", ")]),
  );
  return `${table}\n"tidegate schemas show --topic NAME" prints a schema`;
}

const WORDS: Record<SubjectReport["standing"]["status"], string> = {
  registered: "registered",
  new: "not there yet",
  compatible: "to be registered: the newest one allows it",
  incompatible: "INCOMPATIBLE with the newest one",
  refused: "REFUSED",
};

function say(registry: string, reports: readonly SubjectReport[]): string {
  const rows = reports.map(({ subject, standing }) => [
    subject,
    standing.status === "registered" ? `id ${standing.id}, version ${standing.version}` : WORDS[standing.status],
  ]);
  const reasons = reports.flatMap(({ subject, standing }) =>
    "reasons" in standing ? standing.reasons.map((reason) => `${subject}: ${reason}`) : [],
  );
  return [formatTable(["SUBJECT", registry], rows), ...reasons, ending(reports)].join("\n");
}

function ending(reports: readonly SubjectReport[]): string {
  const odds = reports.filter(isAtOdds).length;
  if (odds > 0) {
    return `${odds} of ${reports.length} cannot be registered: others could not read this release's records by the newest schema`;
  }
  const missing = reports.filter(({ standing }) => standing.status !== "registered").length;
  return missing === 0
    ? "Every schema is registered"
    : `${missing} of ${reports.length} are not registered: run "tidegate schemas push"`;
}

function asJson(registry: string, reports: readonly SubjectReport[]): string {
  return JSON.stringify({
    registry,
    subjects: reports.map(({ subject, topic, kinds, standing }) => ({ subject, topic, kinds, ...standing })),
  });
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
