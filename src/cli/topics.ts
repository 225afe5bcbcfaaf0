// `tidegate topics`: the topics that the flows need, in the Kafka of the configuration.
import { defineCommand } from "citty";
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { loadEnvFile } from "./env-file.ts";
import { Failure, usageFailure } from "./failure.ts";
import { formatTable } from "./text.ts";
import { type Kafka, makeCommand, openKafka, type Topic, topicsReason } from "./topics/kafka.ts";

const args = {
  action: { type: "positional", description: "check, or create what is missing", valueHint: "check|create" },
  url: {
    type: "string",
    valueHint: "url",
    description: "Kafka's HTTP proxy, as in KAFKA_URL, which is the default; without both the embedded log",
  },
  json: { type: "boolean", description: "Print one JSON object" },
} as const;

export const topics = defineCommand({
  meta: { name: "topics", description: "Check the topics that the flows need; exit 0 if all are there" },
  args,
  async run({ args: { action, url, json } }): Promise<number> {
    if (action !== "check" && action !== "create") {
      throw usageFailure(`Say check or create, not ${JSON.stringify(action)}`);
    }
    loadEnvFile();
    const config = parseConfig(url === undefined ? process.env : { ...process.env, KAFKA_URL: url }, flows);
    const kafka = openKafka(config);
    const found = await read(kafka);
    const made = action === "create" ? await makeMissing(kafka, found) : NOTHING_MADE;
    const now = made.names.length > 0 ? await read(kafka) : found;
    const missing = now.filter(({ partitions }) => partitions === null);
    const commands =
      action === "create" ? missing.map(({ topic }) => makeCommand(topic, config.KAFKA_TOPIC_PARTITIONS)) : [];
    const report = { kafka: kafka.name, topics: now, missing: missing.map(({ topic }) => topic) };
    process.stdout.write(
      json === true
        ? `${JSON.stringify({ ...report, made: made.names, commands })}\n`
        : `${say(kafka, now, made, commands)}\n`,
    );
    return missing.length === 0 ? 0 : 1;
  },
});

async function read(kafka: Kafka): Promise<Topic[]> {
  try {
    return await kafka.topics();
  } catch (error) {
    const advice = kafka.isEmbedded ? "" : "; see that it runs, and that KAFKA_URL or --url is its address";
    const wrong = await kafka.diagnose();
    if (wrong !== null) throw new Failure(`Cannot read the topics of ${kafka.name}: ${wrong}`, { cause: error });
    throw new Failure(`Cannot read the topics of ${kafka.name}: ${topicsReason(error)}${advice}`, { cause: error });
  }
}

interface MadeTopics {
  readonly names: readonly string[];
  /** Why the first one was not made. */
  readonly refusal?: string;
}

const NOTHING_MADE: MadeTopics = { names: [] };

async function makeMissing(kafka: Kafka, found: readonly Topic[]): Promise<MadeTopics> {
  const names: string[] = [];
  for (const { topic, partitions } of found) {
    if (partitions !== null) continue;
    const made = await kafka.make(topic);
    // What refuses one topic refuses all.
    if (made.status === "refused") return { names, refusal: made.reason };
    names.push(topic);
  }
  return { names };
}

function say(
  { name, isEmbedded }: Kafka,
  found: readonly Topic[],
  made: MadeTopics,
  commands: readonly string[],
): string {
  const rows = found.map(({ topic, flows: names, partitions }) => [
    topic,
    partitions === null ? "missing" : String(partitions),
    names.join(", "),
  ]);
  const lines = [formatTable(["TOPIC", "PARTITIONS", "FLOWS"], rows)];
  const missing = found.filter(({ partitions }) => partitions === null).length;
  if (made.names.length > 0) lines.push(`Made ${made.names.join(", ")}`);
  if (made.refusal !== undefined) lines.push(`${name} makes no topics: ${made.refusal}; make them at the cluster:`);
  lines.push(...commands);
  if (missing === 0) lines.push(`Every topic is in ${name}`);
  else if (made.refusal === undefined) {
    lines.push(
      `${missing} of ${found.length} are missing in ${name}: run "tidegate topics create"${isEmbedded ? ', or "tidegate start", which makes them' : ""}`,
    );
  }
  return lines.join("\n");
}
