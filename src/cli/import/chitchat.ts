// CHIT-CHAT: one JSON object of conversations. A conversation is a session and its messages; ids and keys are made
// from its id and the places of the messages, so that importing twice changes nothing.
import type { Group, Item, Misfit, Origin } from "./item.ts";
import { createSplitter, type Member } from "./members.ts";

/** What the inputs held, beyond operations. */
export interface Census {
  sessions: number;
  messages: number;
  readonly users: Set<string>;
}

interface Conversation {
  readonly messages: readonly (readonly {
    readonly text: unknown;
    readonly timestamp: unknown;
    readonly sender: unknown;
  }[])[];
  readonly start?: unknown;
  readonly prompt?: unknown;
  readonly ratings?: unknown;
}

const CONVERSATION_BYTES_MAX = 16 * 1024 * 1024;

/** Reads conversations; at most `conversationsMax` of them. */
export async function* readChitchat(
  chunks: AsyncIterable<Uint8Array>,
  conversationsMax: number,
  census: Census,
): AsyncGenerator<Group> {
  const splitter = createSplitter({ memberBytesMax: CONVERSATION_BYTES_MAX });
  let conversations = 0;
  let ordinal = 0;
  for await (const chunk of chunks) {
    for (const member of splitter.feed(chunk)) {
      if (conversations++ >= conversationsMax) return;
      const group = groupOf(member, ordinal, census);
      ordinal = group.end;
      yield group;
    }
  }
  splitter.finish();
}

function groupOf(member: Member, ordinal: number, census: Census): Group {
  const conversation = parseConversation(member);
  if (typeof conversation !== "string") {
    const items = itemsOf(member.name, conversation, ordinal, census);
    return { items, misfits: [], end: ordinal + items.length };
  }
  const misfit: Misfit = {
    ordinal,
    origin: { conversation: member.name },
    reason: conversation,
    original: () => JSON.stringify(member.value),
  };
  return { items: [], misfits: [misfit], end: ordinal + 1 };
}

/** The conversation, or why it is none. */
function parseConversation({ value, fault }: Member): Conversation | string {
  if (value === null) return fault ?? "It cannot be read";
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return "It is not JSON";
  }
  const messages = typeof parsed === "object" && parsed !== null && "messages" in parsed ? parsed.messages : undefined;
  const isTurn = (turn: unknown): boolean =>
    Array.isArray(turn) && turn.every((message) => typeof message === "object" && message !== null);
  if (Array.isArray(messages) && messages.every(isTurn)) return parsed as Conversation;
  return 'It is not a conversation: "messages" must be turns of messages';
}

function itemsOf(id: string, conversation: Conversation, from: number, census: Census): Item[] {
  const { messages, start: startedAt, prompt, ratings } = conversation;
  const key = `chitchat:${id}`;
  const items: Item[] = [];
  const add = (flow: string, key: string, data: object, origin: Origin, original: () => string): void => {
    items.push({
      text: JSON.stringify({ flow, type: "create", key, data }),
      ordinal: from + items.length,
      origin,
      original,
    });
  };
  const { messages: _, ...rest } = conversation;
  add("session", key, { id, prompt, startedAt, ratings }, { conversation: id }, () => JSON.stringify(rest));
  census.sessions++;
  let seq = 0;
  for (const [turn, spoken] of messages.entries()) {
    for (const [index, message] of spoken.entries()) {
      const { text: content, timestamp: sentAt, sender: user } = message;
      const place = `${turn}:${index}`;
      const data = { id: `${id}:${place}`, session: id, user, content, sentAt, seq };
      add("chat-messages", `${key}:${place}`, data, { conversation: id, turn, index }, () => JSON.stringify(message));
      seq++;
      if (typeof user === "string") census.users.add(user);
    }
  }
  census.messages += seq;
  return items;
}
