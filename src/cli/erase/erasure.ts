// What belongs to a session or a person, found and deleted page by page, until readers see none of it.
import { Failure } from "../failure.ts";
import { type Get, pagesOf } from "../pages.ts";
import { Refusal } from "../service.ts";
import { createDeletes, type Delete, type DeletesOptions, type ErasedFlow } from "./deletes.ts";
import { createRest, type RestOptions, type WaitForRest } from "./rest.ts";

/** Entities that were deleted, or would be. */
export interface Erased {
  messages: number;
  memories: number;
  sessions: number;
}

export interface ErasureOptions extends DeletesOptions, RestOptions {
  /** Counts, and changes nothing. */
  readonly dryRun: boolean;
}

/** Everything one erasure needs. */
interface Erasure {
  readonly get: Get;
  readonly remove: Delete;
  readonly rest: WaitForRest;
  readonly dryRun: boolean;
  readonly erased: Erased;
}

const PAGE_ITEMS = 500;
/** Each round takes what was created again after an earlier erasure, or written while this one runs. */
const ROUNDS_MAX = 20;

type List = Exclude<keyof Erased, "sessions">;
const FLOWS: { readonly [list in List]: ErasedFlow } = { messages: "chat-messages", memories: "memory" };

/** Erases a session: its messages, then itself. Throws Failure. */
export async function eraseSession(options: ErasureOptions, session: string): Promise<Erased> {
  const erasure = await begin(options);
  await oneSession(erasure, session);
  return erasure.erased;
}

/** Erases a person's memories, and their sessions with the messages in them. Throws Failure. */
export async function eraseUser(options: ErasureOptions, user: string): Promise<Erased> {
  const erasure = await begin(options);
  await allOf(erasure, "memories", "/v1/memories", { user });
  for (let round = 0; ; round++) {
    let found = 0;
    for await (const ids of idPages(erasure, "/v1/sessions", { user })) {
      found += ids.length;
      for (const session of ids) await oneSession(erasure, session);
    }
    if (found === 0 || erasure.dryRun) return erasure.erased;
    assertEnding(round, "sessions");
  }
}

async function begin(options: ErasureOptions): Promise<Erasure> {
  const rest = createRest(options);
  await rest();
  return {
    rest,
    get: (path) => options.ask(path),
    remove: createDeletes(options),
    dryRun: options.dryRun,
    erased: { messages: 0, memories: 0, sessions: 0 },
  };
}

/** Messages go first: those of a session that is gone cannot be listed any more. */
async function oneSession(erasure: Erasure, session: string): Promise<void> {
  const { get, remove, rest, dryRun, erased } = erasure;
  const path = `/v1/sessions/${encodeURIComponent(session)}`;
  if (!(await isThere(get, path))) return;
  await allOf(erasure, "messages", `${path}/messages`, {});
  if (dryRun) {
    erased.sessions++;
    return;
  }
  // Messages may have been accepted since the first look, and this is the last that can be taken.
  await rest();
  if (!(await isThere(get, path))) return;
  await allOf(erasure, "messages", `${path}/messages`, {});
  erased.sessions++;
  for (let round = 0; ; round++) {
    await remove("session", [session], round);
    if (!(await isThere(get, path))) return;
    assertEnding(round, `session ${JSON.stringify(session)}`);
  }
}

async function isThere(get: Get, path: string): Promise<boolean> {
  try {
    await get(path);
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.isNotFound) return false;
    throw error;
  }
}

/** Deletes every item of a list, again and again until the list is empty. */
async function allOf(erasure: Erasure, name: List, path: string, query: { readonly user?: string }): Promise<void> {
  const { remove, dryRun, erased } = erasure;
  for (let round = 0; ; round++) {
    let found = 0;
    for await (const ids of idPages(erasure, path, query)) {
      found += ids.length;
      // A later round finds most of all what the one before has deleted in vain.
      erased[name] += round === 0 ? ids.length : 0;
      if (!dryRun) await remove(FLOWS[name], ids, round);
    }
    if (found === 0 || dryRun) return;
    assertEnding(round, name);
  }
}

/** Ids of a list, page by page. */
async function* idPages({ get }: Erasure, path: string, query: { readonly user?: string }): AsyncGenerator<string[]> {
  for await (const { items } of pagesOf<{ readonly id: string }>(get, path, query, PAGE_ITEMS)) {
    yield items.map(({ id }) => id);
  }
}

function assertEnding(round: number, what: string): void {
  if (round + 1 < ROUNDS_MAX) return;
  throw new Failure(
    `There are still ${what} after ${ROUNDS_MAX} rounds: something goes on writing; stop it, and erase again`,
  );
}
