// What `replay` and `discard` have in common: one parked record by its name, or all that match, never without being told.
import { setTimeout as delay } from "node:timers/promises";
import type { ParkedRecord } from "../client/answers.ts";
import { apiKeyArgument, readApiKey, readUrl, urlArgument } from "./arguments.ts";
import { Failure, usageFailure } from "./failure.ts";
import { formatParkedRecord, type InspectedRecord, parkedPath } from "./parked.ts";
import { askJson, postJson, Refusal } from "./service.ts";
import { counted, plain } from "./text.ts";

/** What is decided about parked records. */
export interface Verb {
  readonly name: "replay" | "discard";
  readonly done: "replayed" | "discarded";
}

/** Arguments of both commands. */
export const decisionArguments = {
  record: {
    type: "positional",
    required: false,
    description: "One parked record: topic/partition/offset@log, or without @log where that names one",
  },
  url: urlArgument,
  "api-key": apiKeyArgument,
  flow: { type: "string", description: "Every parked record of this flow" },
  topic: { type: "string", description: "Every parked record of this topic" },
  reason: { type: "string", description: "Every record parked for this reason" },
  all: { type: "boolean", description: "Every parked record" },
  "dry-run": { type: "boolean", description: "Only show what it would be about" },
  yes: { type: "boolean", description: "Do it to all that match; without it, they are only counted" },
  wait: { type: "boolean", description: "Wait until it is done to the one RECORD; exit 1 if it is parked again" },
  json: { type: "boolean", description: "Print the answer as one JSON object" },
} as const;

export interface Given {
  readonly record?: string | undefined;
  readonly url?: string | undefined;
  readonly "api-key"?: string | undefined;
  readonly flow?: string | undefined;
  readonly topic?: string | undefined;
  readonly reason?: string | undefined;
  readonly all?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly wait?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Carries a decision out, or says what it would be about. `body` is what is sent about one record. */
export async function decide(verb: Verb, given: Given, body = "{}"): Promise<number> {
  const { record, flow, topic, reason, all } = given;
  const isFiltered = [flow, topic, reason].some((filter) => filter !== undefined);
  if ([record !== undefined, isFiltered, all === true].filter(Boolean).length !== 1) {
    throw usageFailure(
      `Say what to ${verb.name}: one RECORD, or any of --flow, --topic and --reason together, or --all`,
    );
  }
  if (given.wait === true && record === undefined) throw usageFailure("--wait is about one RECORD; name it");
  const service = { url: readUrl(given.url), apiKey: readApiKey(given["api-key"]) };
  return record === undefined ? decideMany(verb, given, service) : decideOne(verb, given, service, record, body);
}

interface Answer {
  readonly id?: string;
  readonly outcome?: string;
}

/** The service that is asked, and the key that is shown to it. */
interface Asked {
  readonly url: string;
  readonly apiKey: string | undefined;
}

async function decideOne(
  verb: Verb,
  given: Given,
  { url, apiKey }: Asked,
  record: string,
  body: string,
): Promise<number> {
  const path = parkedPath(record);
  if (given["dry-run"] === true) {
    const parked = await askJson<InspectedRecord>(url, path, { apiKey });
    const words = `${formatParkedRecord(parked)}\n\nNothing was done: without --dry-run it is ${verb.done}`;
    return print(given, { dryRun: true, record: parked }, words);
  }
  const attempts = given.wait === true ? (await askJson<ParkedRecord>(url, path, { apiKey })).attempts : 0;
  const answer = await postJson<Answer>(url, `${path}/${verb.name}`, body, apiKey);
  const operation = answer.id === undefined ? "" : ` (operation ${answer.id})`;
  if (given.wait !== true) return print(given, answer, `Accepted: ${record} is to be ${verb.done}${operation}`);
  const parked = await parkedAgain({ url, apiKey }, path, attempts);
  const why = parked === undefined ? "" : ` in vain: ${parked.reason}: ${plain(parked.detail)}`;
  print(given, { ...answer, parked: parked ?? null }, `${capital(verb.done)} ${record}${operation}${why}`);
  return parked === undefined ? 0 : 1;
}

const WAIT_MS = 30_000;
const POLL_MS = 100;

/** The record, should it still be parked after the decision was carried out. Throws Failure when that takes too long. */
async function parkedAgain({ url, apiKey }: Asked, path: string, attempts: number): Promise<ParkedRecord | undefined> {
  for (const untilMs = performance.now() + WAIT_MS; performance.now() < untilMs; await delay(POLL_MS)) {
    try {
      const record = await askJson<ParkedRecord>(url, path, { apiKey });
      if (record.attempts > attempts) return record;
    } catch (error) {
      if (error instanceof Refusal && error.isNotFound) return undefined;
      throw error;
    }
  }
  throw new Failure(`The decision is accepted, and not carried out after ${WAIT_MS / 1_000} s; is there a consumer?`);
}

/** What the service did to a page of the records that match, or would do. */
interface Reach {
  readonly matched: number;
  readonly done: number;
  readonly refused: readonly Refused[];
  /** Goes on with the records after these. */
  readonly next: string | null;
}

interface Refused {
  readonly record: string;
  readonly detail: string;
}

const STEP_RECORDS = 200;
const STEPS_MAX = 10_000;
const REFUSED_SHOWN = 20;

async function decideMany(verb: Verb, given: Given, { url, apiKey }: Asked): Promise<number> {
  const { flow, topic, reason } = given;
  const filter = { flow, topic, reason };
  const step = (options: object): Promise<Reach> =>
    postJson<Reach>(url, `/v1/parked/${verb.name}`, JSON.stringify({ filter, ...options }), apiKey);
  const { matched } = await step({ dryRun: true });
  if (given.yes !== true || given["dry-run"] === true) {
    const advice = given.yes === true ? "without --dry-run" : "add --yes, and";
    const words =
      matched === 0
        ? "No parked record matches"
        : `${counted(matched, "parked record")}: nothing was done; ${advice} they are ${verb.done}`;
    return print(given, { dryRun: true, matched }, words);
  }
  let done = 0;
  const refused: Refused[] = [];
  let cursor: string | null = "";
  for (let steps = 0; steps < STEPS_MAX && cursor !== null; steps++) {
    const page: Reach = await step({ cursor, limit: STEP_RECORDS });
    done += page.done;
    refused.push(...page.refused);
    if (page.next === cursor) throw new Failure(`The parked records of ${url} do not end`);
    cursor = page.next;
  }
  print(
    given,
    { dryRun: false, matched, done, refused },
    [summary(verb, done, refused), ...shownOf(refused)].join("\n"),
  );
  return refused.length > 0 ? 1 : 0;
}

function summary(verb: Verb, done: number, refused: readonly Refused[]): string {
  return `Accepted: ${counted(done, "parked record")} to be ${verb.done}${refused.length === 0 ? "" : `; ${refused.length} refused:`}`;
}

function shownOf(refused: readonly Refused[]): string[] {
  const lines = refused.slice(0, REFUSED_SHOWN).map(({ record, detail }) => plain(`${record}: ${detail}`));
  const more = refused.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

function print({ json }: Given, value: unknown, words: string): number {
  process.stdout.write(`${json === true ? JSON.stringify(value) : words}\n`);
  return 0;
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

/** The body that replays a record with another value: JSON goes as it stands, so that no number loses digits. */
export function editedBody(text: string): string {
  if (text.trim() === "") throw new Failure("The edited record is empty; to have it away, discard it");
  let isObject = false;
  try {
    const value: unknown = JSON.parse(text);
    isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    // Whatever it is, the service judges it as it would judge a record of the log.
  }
  return `{"value":${isObject ? text : JSON.stringify(text)}}`;
}
