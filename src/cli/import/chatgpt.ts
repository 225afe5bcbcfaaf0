// ChatGPT's data export, the file conversations.json: one JSON array of conversations. A conversation is a session and
// the messages of its current thread. Ids come from the export; a key ends with a hash of the data, so that importing
// twice changes nothing, and a later export of a conversation that was renamed or has grown brings what is new.
import { createHash } from "node:crypto";
import { isObject, type LeaveOut, type Spoken, spokenOn, threadTo, timeOf } from "./chatgpt-thread.ts";
import type { Census } from "./chitchat.ts";
import type { Group, Item, Misfit, Origin } from "./item.ts";
import { createSplitter, type Member } from "./members.ts";

export interface ChatgptOptions {
  readonly conversationsMax: number;
  /** Id of the person whose export it is: the file does not tell. */
  readonly user: string;
  readonly census: Census;
  readonly leaveOut: LeaveOut;
}

const CONVERSATION_BYTES_MAX = 64 * 1024 * 1024;
const ASSISTANT = "assistant";
const HASH_DIGITS = 16;

interface Conversation {
  readonly id: string;
  readonly value: { readonly [name: string]: unknown };
  readonly mapping: { readonly [name: string]: unknown };
  readonly thread: readonly string[];
}

/** Reads conversations, each with the messages of its current thread in order. */
export async function* readChatgpt(chunks: AsyncIterable<Uint8Array>, options: ChatgptOptions): AsyncGenerator<Group> {
  const splitter = createSplitter({ memberBytesMax: CONVERSATION_BYTES_MAX, sort: "array" });
  let conversations = 0;
  let ordinal = 0;
  for await (const chunk of chunks) {
    for (const member of splitter.feed(chunk)) {
      if (conversations++ >= options.conversationsMax) return;
      const group = groupOf(member, ordinal, options);
      ordinal = group.end;
      yield group;
    }
  }
  splitter.finish();
}

function groupOf(member: Member, ordinal: number, options: ChatgptOptions): Group {
  const conversation = parseConversation(member);
  if (typeof conversation !== "string") {
    const items = itemsOf(conversation, ordinal, options);
    return { items, misfits: [], end: ordinal + items.length };
  }
  const misfit: Misfit = {
    ordinal,
    origin: { conversation: `#${member.name}` },
    reason: conversation,
    original: () => JSON.stringify(member.value),
  };
  return { items: [], misfits: [misfit], end: ordinal + 1 };
}

/** The conversation, or why it is none. */
function parseConversation({ value: text, fault }: Member): Conversation | string {
  if (text === null) return fault ?? "It cannot be read";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "It is not JSON";
  }
  if (!isObject(value) || !isObject(value.mapping)) return 'It is not a conversation: "mapping" must be an object';
  const id = value.conversation_id ?? value.id;
  if (typeof id !== "string" || id === "") return 'It has no id: "conversation_id" and "id" are missing';
  const thread = threadTo(value.mapping, value.current_node);
  return typeof thread === "string" ? thread : { id, value, mapping: value.mapping, thread };
}

function itemsOf(conversation: Conversation, from: number, { user, census, leaveOut }: ChatgptOptions): Item[] {
  const { id, value, mapping, thread } = conversation;
  const items: Item[] = [];
  const add = (
    flow: string,
    data: { readonly id: string; readonly [name: string]: unknown },
    origin: Origin,
    original: () => string,
  ): void => {
    const key = `chatgpt:${data.id}:${hashOf(data)}`;
    const text = JSON.stringify({ flow, type: "create", key, data });
    items.push({ text, ordinal: from + items.length, origin, original });
  };
  const startMs = timeOf(value.create_time);
  const title = typeof value.title === "string" ? { title: value.title } : {};
  const startedAt = startMs === null ? {} : { startedAt: isoOf(startMs) };
  const { mapping: _, ...rest } = value;
  add("session", { id, user, ...title, ...startedAt }, { conversation: id }, () => JSON.stringify(rest));
  census.sessions++;
  census.users.add(user);
  const spoken = spokenOn(mapping, thread, leaveOut);
  const times = timesOf(spoken, startMs);
  for (const [seq, { id: message, role, text: content, node }] of spoken.entries()) {
    const atMs = times[seq] ?? null;
    const who = role === "user" ? user : ASSISTANT;
    const sentAt = atMs === null ? {} : { sentAt: isoOf(atMs) };
    const data = { id: `${id}:${message}`, session: id, user: who, role, content, ...sentAt, seq };
    add("chat-messages", data, { conversation: id, message }, () => JSON.stringify(node));
    census.users.add(who);
  }
  census.messages += spoken.length;
  return items;
}

/**
 * When messages were sent. Readers get them by time, so none is earlier than the one before it: the export leaves times
 * out, and an answer may be dated a little before its question.
 */
function timesOf(spoken: readonly Spoken[], startMs: number | null): (number | null)[] {
  let lastMs = startMs;
  return spoken.map(({ atMs }) => {
    if (atMs !== null && (lastMs === null || atMs > lastMs)) lastMs = atMs;
    return lastMs;
  });
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function hashOf(data: object): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, HASH_DIGITS);
}
