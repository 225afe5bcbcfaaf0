// `tidegate operations`: what became of operations, and which records are parked.
import { defineCommand } from "citty";
import type { OperationStatus } from "../app/reads.ts";
import type { ParkedRecord } from "../client/answers.ts";
import { apiKeyArgument, readApiKey, readCount, readUrl, urlArgument } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { firstOf, type Get } from "./pages.ts";
import { formatParked, formatParkedRecord, type InspectedRecord, parkedPath } from "./parked.ts";
import { askJson } from "./service.ts";
import { formatAge, formatMembers, formatTable } from "./text.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 10_000;

const args = {
  id: {
    type: "positional",
    required: false,
    description: "An operation's id, or topic/partition/offset of a parked record: shows that one in full",
  },
  url: urlArgument,
  "api-key": apiKeyArgument,
  flow: { type: "string", description: "Only this flow" },
  outcome: { type: "string", description: "Only this outcome: applied, superseded, discarded" },
  parked: { type: "boolean", description: "List parked records instead of operations" },
  topic: { type: "string", description: "Only this topic; with --parked" },
  reason: { type: "string", description: "Only this reason; with --parked" },
  limit: { type: "string", valueHint: "count", description: `How many at most; default ${LIMIT_DEFAULT}` },
  json: { type: "boolean", description: 'Print one JSON object; a list is {"items":[…],"next":cursor or null}' },
} as const;

type Given = { readonly [name in "id" | "flow" | "outcome" | "topic" | "reason" | "limit"]?: string | undefined } & {
  readonly parked?: boolean | undefined;
};

/** What was found, as JSON and in words. */
interface Found {
  readonly value: unknown;
  readonly words: () => string;
}

export const operations = defineCommand({
  meta: { name: "operations", description: "Show operations, newest first, or one of them; or parked records" },
  args,
  async run({ args }): Promise<number> {
    checkTogether(args);
    const url = readUrl(args.url);
    const count = readCount("limit", args.limit, 1, LIMIT_MAX) ?? LIMIT_DEFAULT;
    const apiKey = readApiKey(args["api-key"]);
    const get: Get = (path) => askJson(url, path, { apiKey });
    const { value, words } = await find(get, args, count);
    process.stdout.write(`${args.json === true ? JSON.stringify(value) : words()}\n`);
    return 0;
  },
});

/** Throws a usage failure for options that say nothing together. */
function checkTogether({ id, flow, outcome, parked, topic, reason, limit }: Given): void {
  const filters = [flow, outcome, parked, topic, reason, limit];
  if (id !== undefined && filters.some((filter) => filter !== undefined)) {
    throw usageFailure("Give an id, or what to list, not both");
  }
  if (parked === true && outcome !== undefined) throw usageFailure("A parked record has no outcome yet");
  if (parked !== true && (topic ?? reason) !== undefined) {
    throw usageFailure("--topic and --reason are about parked records; add --parked");
  }
}

async function find(get: Get, given: Given, count: number): Promise<Found> {
  const { id, flow, outcome, topic, reason } = given;
  if (id?.includes("/") === true) {
    const record = await get<InspectedRecord>(parkedPath(id));
    return { value: record, words: () => formatParkedRecord(record) };
  }
  if (id !== undefined) {
    const status = await get<OperationStatus>(`/v1/operations/${encodeURIComponent(id)}`);
    return { value: status, words: () => formatMembers({ ...status }) };
  }
  if (given.parked === true) {
    const page = await firstOf<ParkedRecord>(get, "/v1/parked", { flow, topic, reason }, count);
    return listed(page, "Nothing is parked", () => formatParked(page.items, Date.now()));
  }
  const page = await firstOf<OperationStatus>(get, "/v1/operations", { flow, outcome }, count);
  return listed(page, "There are no such operations", () => formatOperations(page.items, Date.now()));
}

function listed(page: { items: readonly unknown[]; next: string | null }, none: string, table: () => string): Found {
  const more = page.next === null ? "" : "\nThere are more: raise --limit, or narrow the list";
  return { value: page, words: () => (page.items.length === 0 ? none : `${table()}${more}`) };
}

/** Operations as a table. */
export function formatOperations(items: readonly OperationStatus[], nowMs: number): string {
  const rows = items.map(({ id, flow, type, path, state, entity, appliedAt }) => [
    id,
    flow === undefined ? "-" : `${flow}.${type ?? "?"}`,
    path ?? "-",
    state,
    entity === undefined ? "-" : `${entity.kind} ${entity.id}`,
    formatAge(appliedAt === undefined ? mintedMs(id) : Date.parse(appliedAt), nowMs),
  ]);
  return formatTable(["ID", "OPERATION", "PATH", "OUTCOME", "ENTITY", "AGE"], rows);
}

const MS_DIGITS = 12;

/** When an id was made: a UUIDv7 begins with that. */
function mintedMs(id: string): number {
  return Number.parseInt(id.replaceAll("-", "").slice(0, MS_DIGITS), 16);
}
