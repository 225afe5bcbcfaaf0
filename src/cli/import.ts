// `tidegate import`: operations from files, under keys made from them.
import { defineCommand } from "citty";
import { apiKeyArgument, readApiKey, readCount, readUrl, urlArgument } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { FORMATS, type Format } from "./import/input.ts";
import { runImport } from "./import/run.ts";
import { formatSummary } from "./import/summary.ts";
import { INTERRUPTED_EXIT_CODE, interruption } from "./interruption.ts";

const BATCH_DEFAULT = 500;
const USER_DEFAULT = "me";
const CONCURRENCY_DEFAULT = 2;
const RETRY_FOR_DEFAULT_SECONDS = 120;

const args = {
  file: {
    type: "positional",
    description:
      "JSON Lines of operations, the CHIT-CHAT file or conversations.json of a ChatGPT export (not the zip around it), plain or gzipped; - is standard input",
  },
  url: urlArgument,
  "api-key": apiKeyArgument,
  format: {
    type: "string",
    valueHint: FORMATS.join("|"),
    description: "What the files are; default: what they look like",
  },
  limit: { type: "string", valueHint: "count", description: "Stop after so many operations" },
  conversations: { type: "string", valueHint: "count", description: "Stop after so many conversations" },
  user: {
    type: "string",
    valueHint: "id",
    description: `Who the person in a ChatGPT export is, which does not say; default ${USER_DEFAULT}`,
  },
  rejects: {
    type: "string",
    valueHint: "file",
    description: "What the service refused, and why; default <input>.rejects.jsonl",
  },
  accepted: {
    type: "string",
    valueHint: "file",
    description: "Append the id of every accepted operation, for check --accepted",
  },
  batch: { type: "string", valueHint: "count", description: `Operations per request; default ${BATCH_DEFAULT}` },
  concurrency: {
    type: "string",
    valueHint: "count",
    description: `Requests at a time; default ${CONCURRENCY_DEFAULT}`,
  },
  "retry-for": {
    type: "string",
    valueHint: "seconds",
    description: `How long to go on when nothing is accepted; default ${RETRY_FOR_DEFAULT_SECONDS}`,
  },
  resume: { type: "boolean", description: "Go on where an interrupted import of the same files stopped" },
  state: {
    type: "string",
    valueHint: "file",
    description: "Where progress is kept until the end; default <input>.import-state.json",
  },
  json: { type: "boolean", description: "Print the summary as one JSON object" },
} as const;

export const importCommand = defineCommand({
  meta: {
    name: "import",
    description:
      "Import operations. Each has a key (chitchat:<conversation>:<turn>:<index>, chatgpt:<conversation>:<message>:<hash>, the line's own, or jsonl:<SHA-256 of the line>), so importing again changes nothing while the service keeps its keys (KEYS_RETENTION_MS, seven days unless set)",
  },
  args,
  async run({ args }): Promise<number> {
    const files = args._;
    if (files.filter((file) => file === "-").length > 1) throw usageFailure("Standard input can be imported only once");
    const name = files[0] === "-" ? "stdin" : files[0]!.replace(/^.*\//, "");
    const summary = await runImport({
      files,
      url: readUrl(args.url),
      apiKey: readApiKey(args["api-key"]),
      format: readFormat(args.format),
      operationsMax: readCount("limit", args.limit, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
      conversationsMax:
        readCount("conversations", args.conversations, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
      user: args.user ?? USER_DEFAULT,
      batchItemsMax: readCount("batch", args.batch, 1, 10_000) ?? BATCH_DEFAULT,
      concurrency: readCount("concurrency", args.concurrency, 1, 64) ?? CONCURRENCY_DEFAULT,
      retryForMs: (readCount("retry-for", args["retry-for"], 0, 86_400) ?? RETRY_FOR_DEFAULT_SECONDS) * 1_000,
      rejectsPath: args.rejects,
      acceptedPath: args.accepted,
      statePath: args.state ?? `${name}.import-state.json`,
      resume: args.resume === true,
      signal: interruption().signal,
    });
    process.stdout.write(`${args.json === true ? JSON.stringify(summary) : formatSummary(summary)}\n`);
    if (!summary.complete) return INTERRUPTED_EXIT_CODE;
    return summary.rejected > 0 && summary.accepted + summary.skipped === 0 ? 1 : 0;
  },
});

function readFormat(given: string | undefined): Format | undefined {
  const format = FORMATS.find((name) => name === given);
  if (given === undefined || format !== undefined) return format;
  throw usageFailure(`--format must be ${FORMATS.join(", ")}; it is ${JSON.stringify(given)}`);
}
