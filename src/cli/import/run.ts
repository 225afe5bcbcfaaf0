// An import: reads inputs one after the other, brings their operations to the service, and keeps the books.
import { Failure } from "../failure.ts";
import { isSameFile } from "../same-file.ts";
import { askJson } from "../service.ts";
import { type Books, openBooks } from "./books.ts";
import { readChatgpt } from "./chatgpt.ts";
import { readChitchat } from "./chitchat.ts";
import { exchange } from "./exchange.ts";
import { type Format, type Input, openInput } from "./input.ts";
import type { Group } from "./item.ts";
import { readJsonLines } from "./json-lines.ts";
import { createLanes } from "./lanes.ts";
import { SplitError } from "./members.ts";
import { startProgress } from "./progress.ts";
import { openRejects, type Rejects } from "./rejects.ts";
import { openState, type State } from "./state.ts";
import type { Summary } from "./summary.ts";

export interface ImportOptions {
  readonly files: readonly string[];
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly format?: Format | undefined;
  /** Operations at the beginning of the inputs, also those that an earlier run has settled. */
  readonly operationsMax: number;
  /** Conversations of each CHIT-CHAT and ChatGPT input. */
  readonly conversationsMax: number;
  /** Id of the person whose ChatGPT export it is. */
  readonly user: string;
  readonly batchItemsMax: number;
  /** Requests at a time. JSON Lines may name anything anywhere, so they go one after the other. */
  readonly concurrency: number;
  readonly retryForMs: number;
  /** Default: one file per input, named after it. */
  readonly rejectsPath?: string | undefined;
  readonly acceptedPath?: string | undefined;
  readonly statePath: string;
  readonly resume: boolean;
  /** Interrupts; what is settled by then is in the progress file. */
  readonly signal: AbortSignal;
  readonly delayBaseMs?: number;
}

/** What one run has open. */
interface Run {
  readonly options: ImportOptions;
  readonly books: Books;
  readonly state: State;
  readonly note: (line: string) => void;
  readonly rejectsPaths: Set<string>;
  /** Operations of the inputs so far, also those that were passed over. */
  taken: number;
  current: { readonly index: number; readonly input: Input } | undefined;
}

const BATCH_CHARACTERS_MAX = 2 * 1024 * 1024;
const STATE_EVERY_MS = 1_000;
const NOTE_EVERY_MS = 10_000;

/** Runs an import. Throws Failure when it cannot be completed; an interrupted one has a summary that says so. */
export async function runImport(options: ImportOptions): Promise<Summary> {
  assertApart(options);
  const books = openBooks(options.acceptedPath);
  const state = openState(options.statePath, options.url, options.resume ? "go on" : "anew");
  const note = (line: string): void => progress.note(line);
  const run: Run = { options, books, state, note, rejectsPaths: new Set(), taken: 0, current: undefined };
  const measurable = Number.isFinite(options.operationsMax) || !options.files.includes("-");
  const progress = startProgress(() => ({ operations: books.operations, part: partOf(run) }), measurable);
  let complete = true;
  try {
    for (const [index, path] of options.files.entries()) {
      const input = await openInput(path, options.signal, options.format);
      run.current = { index, input };
      await importInput(run, input);
    }
    state.remove();
  } catch (error) {
    if (!options.signal.aborted) throw error;
    complete = false;
  } finally {
    progress.stop();
    books.close();
  }
  return books.summary(complete, [...run.rejectsPaths]);
}

async function importInput(run: Run, input: Input): Promise<void> {
  const { options, books } = run;
  const before = await settledBefore(run, input);
  const until = options.operationsMax - run.taken;
  const takenBefore = run.taken;
  const rejects = rejectsOf(run, input, before);
  const onRetry = noteRetries(run);
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  let stateMs = performance.now();
  const lanes = createLanes({
    count: input.format === "jsonl" ? 1 : options.concurrency,
    batchItemsMax: options.batchItemsMax,
    batchCharactersMax: BATCH_CHARACTERS_MAX,
    async send(batch) {
      await exchange({ ...options, signal, onRetry }, batch, (item, answer) =>
        books.settle(item, answer, rejects),
      ).catch((error: unknown) => {
        // The other lanes are not to go on trying on their own.
        ending.abort();
        throw error;
      });
      rejects.flush();
      books.flush();
      if (performance.now() - stateMs < STATE_EVERY_MS) return;
      stateMs = performance.now();
      save();
    },
  });
  const save = (): void => {
    const settled = lanes.leastOpen(run.taken - takenBefore);
    const id = books.lastId ?? run.state.read(input.fingerprint)?.id;
    run.state.write(input.fingerprint, { settled, ...(id === undefined ? {} : { id }) });
  };
  const groups = groupsOf(input, options, books);
  const isMeant = ({ ordinal }: { ordinal: number }): boolean => ordinal >= before && ordinal < until;
  const putAll = async (): Promise<void> => {
    for await (const { items, misfits, end } of groups) {
      for (const misfit of misfits.filter(isMeant)) books.misfit(misfit, rejects);
      run.taken = takenBefore + Math.min(end, until);
      await lanes.put(items.filter(isMeant));
      if (end >= until) break;
    }
  };
  try {
    // What stands before an unreadable place is imported all the same.
    const unreadable = await putAll().then(
      () => undefined,
      (error) => readingFailure(input, error),
    );
    await lanes.finish();
    if (unreadable !== undefined) throw unreadable;
  } finally {
    ending.abort();
    await lanes.end();
    books.skip(Math.min(before, run.taken - takenBefore));
    rejects.close();
    books.flush();
    save();
  }
}

function groupsOf({ chunks, format }: Input, { conversationsMax, user }: ImportOptions, books: Books) {
  const { census, leaveOut } = books;
  const readers: { readonly [format in Format]: () => AsyncGenerator<Group> } = {
    chatgpt: () => readChatgpt(chunks, { conversationsMax, user, census, leaveOut }),
    chitchat: () => readChitchat(chunks, conversationsMax, census),
    jsonl: () => readJsonLines(chunks),
  };
  return readers[format]();
}

/** The failure of an input that cannot be read to its end; throws what is no such failure. */
function readingFailure({ name }: Input, error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof SplitError)) throw error;
  return new Failure(`Cannot read all of ${name}: ${error.message}`, { cause: error });
}

/** Operations at the beginning of an input that an earlier run has settled, at this very service. */
async function settledBefore({ options, state, note }: Run, { name, fingerprint }: Input): Promise<number> {
  const before = state.read(fingerprint);
  if (before?.id === undefined) return 0;
  const [status] = await askJson<readonly unknown[]>(options.url, "/v1/operations/statuses", {
    method: "POST",
    apiKey: options.apiKey,
    headers: { "content-type": "application/json" },
    body: JSON.stringify([before.id]),
    signal: options.signal,
  });
  if (status !== null) return before.settled;
  note(`${options.url} knows nothing of the earlier import of ${name}: starting from its beginning`);
  return 0;
}

function rejectsOf({ options, rejectsPaths }: Run, { name, path: input }: Input, before: number): Rejects {
  const path = options.rejectsPath ?? `${name}.rejects.jsonl`;
  const first = rejectsPaths.has(path) ? "go on" : "anew";
  // A resumed import passes over inputs whose rejects are in this very file, and begins others from their beginning.
  const rejects = openRejects(path, input, before > 0 ? "go on" : options.resume ? "again" : first);
  rejectsPaths.add(path);
  return rejects;
}

/** What is imported stays as it is. Throws Failure. */
function assertApart({ files, rejectsPath, acceptedPath, statePath }: ImportOptions): void {
  const outputs = Object.entries({ rejects: rejectsPath, accepted: acceptedPath, state: statePath });
  for (const [option, output] of outputs) {
    if (output === undefined || !files.some((file) => isSameFile(file, output))) continue;
    throw new Failure(`Cannot write ${output}: it is what is imported; name another file with --${option}`);
  }
}

/** Counts retries, and says why there are some, now and then. */
function noteRetries({ books, note }: Run): (reason: string) => void {
  let noted = { reason: "", ms: 0 };
  return (reason) => {
    books.retry();
    const ms = performance.now();
    if (reason === noted.reason && ms - noted.ms < NOTE_EVERY_MS) return;
    noted = { reason, ms };
    note(`Trying again: ${reason}`);
  };
}

/** The part of the work that is done; null when nobody knows how much there is. */
function partOf({ options, books, taken, current }: Run): number | null {
  const { files, operationsMax, conversationsMax } = options;
  const read = current?.input.progress() ?? null;
  const ofInputs = read === null ? null : (current!.index + read) / files.length;
  const ofOperations = Number.isFinite(operationsMax) ? taken / operationsMax : 0;
  const ofConversations = Number.isFinite(conversationsMax)
    ? books.census.sessions / conversationsMax / files.length
    : 0;
  if (ofInputs === null && ofOperations + ofConversations === 0) return null;
  return Math.min(1, Math.max(ofInputs ?? 0, ofOperations, ofConversations));
}
