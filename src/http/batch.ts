// Many operations in one body: a JSON array, or JSON Lines that are taken as they arrive. 200, with a status per item.
import type { Context } from "hono";
import type { Accept } from "../app/accept.ts";
import type { Answer } from "../app/answer.ts";
import type { Submission } from "../app/intake.ts";
import { AppError, asAppError, type ErrorCode } from "../domain/errors.ts";
import { itemTexts } from "./answer.ts";
import { parseJson, readJson, requireMediaType } from "./body.ts";
import { isLonger, type LineLimits, readLines } from "./lines.ts";
import type { Service } from "./service.ts";

/** The media type of a batch of CloudEvents; see event-batch.ts. */
export const EVENT_BATCH = "application/cloudevents-batch+json";
const LINE_TYPES = ["application/x-ndjson", "application/jsonl"];

/** Operations taken together: large enough to share a produce, small enough not to hold up other requests. */
const CHUNK_ITEMS = 250;

/** An array is parsed in one piece, during which nothing else runs; larger batches come as lines. */
export const ARRAY_BYTES_MAX = 4 * 1_048_576;

/** What is sent again as a new operation. */
const NOT_ACCEPTED: ReadonlySet<ErrorCode> = new Set(["nothing_accepted", "clock_skew"]);

/** Has submissions accepted; answers each, in order. */
export type Take = (submissions: readonly Submission[]) => ReturnType<Accept>;

/** Makes a submission of an item; an item that is none is answered with the error. */
type ReadItem = (item: unknown) => Submission | AppError;

/** Reads a batch and answers each item, in order, in the form the batch came in. */
export async function readBatch(c: Context, service: Service, takeAll: Take): Promise<Response> {
  const type = requireMediaType(c, "application/json", ...LINE_TYPES, EVENT_BATCH);
  if (type === "application/json") return readArray(c, service, takeAll, toSubmission);
  const { limits } = service;
  const take = withHeaders(c, takeAll);
  const bounds = { bodyBytesMax: limits.batchBytesMax, lineBytesMax: limits.bodyBytesMax };
  const texts = await takeLines(c, bounds, limits.batchItemsMax, take);
  return c.body(texts.length === 0 ? "" : `${texts.join("\n")}\n`, 200, { "Content-Type": type });
}

/** Reads an array and answers each item, in order. */
export async function readArray(c: Context, { limits }: Service, takeAll: Take, read: ReadItem): Promise<Response> {
  const take = withHeaders(c, takeAll);
  const items = await readJson(c, Math.min(limits.batchBytesMax, ARRAY_BYTES_MAX));
  if (!Array.isArray(items)) throw invalidBatch("#", "Send an array");
  if (items.length > limits.batchItemsMax) throw tooMany(limits.batchItemsMax);
  const bounded = items.map((item) => (isOverlong(item, limits.bodyBytesMax) ? overlong(limits.bodyBytesMax) : item));
  const texts: string[] = [];
  const textOf = itemTexts();
  for (let i = 0; i < bounded.length; i += CHUNK_ITEMS)
    texts.push(...(await takeChunk(bounded.slice(i, i + CHUNK_ITEMS), take, read)).map(textOf));
  return c.body(`[${texts.join(",")}]`, 200, { "Content-Type": "application/json" });
}

/** What the headers of a batch say of each item that does not say it itself. */
function withHeaders(c: Context, takeAll: Take): Take {
  if (c.req.header("idempotency-key") !== undefined) {
    throw invalidBatch("#", "A batch has no Idempotency-Key, which stands for one operation");
  }
  const after = c.req.header("tidegate-after");
  const partitionkey = c.req.header("tidegate-partition-key");
  const common = { ...(after === undefined ? {} : { after }), ...(partitionkey === undefined ? {} : { partitionkey }) };
  const take = inOrder(takeAll);
  return (submissions) => take(submissions.map((one) => ({ ...common, ...one })));
}

/**
 * Takes chunk after chunk. Behind one of which nothing was accepted nothing of the same flow is: sent again, it would be
 * later than what followed it, and win over that.
 */
function inOrder(takeAll: Take): Take {
  const refused = new Map<string, AppError>();
  return async (submissions) => {
    const taken = submissions.filter(({ flow }) => !refused.has(flow));
    const answers = (taken.length === 0 ? [] : await takeAll(taken)).values();
    const all = submissions.map(
      ({ flow }): Answer => (refused.has(flow) ? { problem: refused.get(flow)! } : answers.next().value!),
    );
    for (const [i, answer] of all.entries()) {
      if ("problem" in answer && NOT_ACCEPTED.has(answer.problem.code))
        refused.set(submissions[i]!.flow, answer.problem);
    }
    return all;
  };
}

/**
 * Takes lines chunk by chunk. A body that turns out too large or unreadable on the way is answered by the items taken
 * so far and a problem for the rest: they were accepted, and their ids must reach the client.
 */
async function takeLines(c: Context, bounds: LineLimits, itemsMax: number, take: Take): Promise<string[]> {
  const texts: string[] = [];
  const textOf = itemTexts();
  let waiting: unknown[] = [];
  const flush = async (): Promise<void> => {
    texts.push(...(await takeChunk(waiting, take, toSubmission)).map(textOf));
    waiting = [];
  };
  try {
    for await (const lines of readLines(c, bounds)) {
      for (const line of lines) {
        if (texts.length + waiting.length >= itemsMax) throw tooMany(itemsMax);
        waiting.push(line === null ? overlong(bounds.lineBytesMax) : parseLine(line, texts.length + waiting.length));
        if (waiting.length >= CHUNK_ITEMS) await flush();
      }
    }
    await flush();
  } catch (error) {
    if (texts.length + waiting.length === 0) throw error;
    await flush();
    texts.push(textOf({ problem: asAppError(error) }));
  }
  return texts;
}

/** Whether an item is too large. One nested so deeply that it cannot be written is left to the check of its data. */
function isOverlong(item: unknown, bytesMax: number): boolean {
  try {
    return isLonger(JSON.stringify(item), bytesMax);
  } catch {
    return false;
  }
}

function parseLine(line: string, index: number): unknown {
  try {
    return parseJson(line, `Item ${index}`);
  } catch (error) {
    return error;
  }
}

async function takeChunk(items: readonly unknown[], take: Take, read: ReadItem): Promise<Answer[]> {
  const submissions: Submission[] = [];
  const answers: (Answer | undefined)[] = items.map((item) => {
    const submission = item instanceof AppError ? item : read(item);
    if (submission instanceof AppError) return { problem: submission };
    submissions.push(submission);
    return undefined;
  });
  const taken = (await take(submissions)).values();
  return answers.map((answer) => answer ?? taken.next().value!);
}

/** Members of an item other than its data, and whether they have to be there. */
const MEMBERS = new Map(
  Object.entries({ flow: true, type: true, key: false, after: false, retryToken: false, partitionkey: false }),
);

function toSubmission(item: unknown): Submission | AppError {
  if (typeof item !== "object" || item === null || Array.isArray(item))
    return invalidBatch("#", "An item is an object");
  const members = item as Record<string, unknown>;
  for (const [name, required] of MEMBERS) {
    const value = members[name];
    if (value === undefined ? required : typeof value !== "string") {
      return invalidBatch(`#/${name}`, value === undefined ? "The member is missing" : "The member must be a string");
    }
  }
  for (const name of Object.keys(members)) {
    if (name !== "data" && !MEMBERS.has(name)) {
      return invalidBatch(`#/${encodeURIComponent(name.toWellFormed())}`, "There is no such member");
    }
  }
  return members as unknown as Submission;
}

function invalidBatch(pointer: string, detail: string): AppError {
  return new AppError("invalid_input", `${pointer}: ${detail}`, { faults: [{ pointer, detail }] });
}

function overlong(bytesMax: number): AppError {
  return new AppError("payload_too_large", `The item has more than ${bytesMax} bytes`);
}

function tooMany(itemsMax: number): AppError {
  return new AppError("payload_too_large", `The batch has more than ${itemsMax} items`);
}
