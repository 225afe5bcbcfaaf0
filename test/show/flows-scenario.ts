// The scenario of the show: real conversations as operations of every flow and every type, a function of the file alone.
// All entity ids are the client's, so that two runs name the same entities.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { answerTo } from "./flows-webhook.ts";

/** One operation as the client sends it. */
export interface Item {
  readonly flow: string;
  readonly type: string;
  readonly key: string;
  readonly data: { readonly [name: string]: unknown };
}

/** Operations sent one after the other. With `rest` the client waits before them until all earlier ones have their outcome. */
export interface Step {
  readonly name: string;
  readonly rest: boolean;
  readonly items: readonly Item[];
}

interface Spoken {
  readonly id: string;
  readonly user: string;
  readonly text: string;
  readonly at: string;
  readonly seq: number;
}

interface Talk {
  readonly id: string;
  readonly start: string;
  readonly prompt: string | undefined;
  readonly ratings: { readonly [name: string]: number } | undefined;
  readonly spoken: readonly Spoken[];
}

/** The longest conversations would be most of the operations. */
const MESSAGES_MAX = 24;
const SOURCE = "chitchat";

/** Makes the scenario of `conversations` conversations, spread evenly over a file. */
export function buildScenario(path: string, conversations: number): readonly Step[] {
  const talks = readTalks(path, conversations);
  const users = [...new Set(talks.flatMap(({ spoken }) => spoken.map(({ user }) => user)))];
  return [
    { name: "first halves", rest: false, items: talks.flatMap(opening) },
    // A text model reads what is there when it is asked.
    { name: "thoughts", rest: true, items: talks.flatMap(thinking) },
    // Nothing here changes what was read: those texts are older than the request.
    { name: "second halves", rest: false, items: talks.flatMap(goingOn) },
    { name: "edits", rest: true, items: talks.flatMap(edits) },
    { name: "questions", rest: true, items: [...talks.flatMap(judging), ...users.map(portrait), ...questions(talks)] },
    { name: "deletions", rest: true, items: talks.flatMap(deletions) },
    { name: "questions again", rest: true, items: questions(talks).map((item) => ({ ...item, key: `${item.key}:2` })) },
  ];
}

function readTalks(path: string, conversations: number): Talk[] {
  const bytes = readFileSync(path);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
  const all = Object.entries(JSON.parse(text) as { [id: string]: Conversation });
  const count = Math.min(conversations, all.length);
  const chosen = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
  return chosen.map(talkOf).filter(({ spoken }) => spoken.length > 0);
}

interface Conversation {
  readonly messages: readonly (readonly {
    readonly text: string;
    readonly timestamp: string;
    readonly sender: string;
  }[])[];
  readonly start: string;
  readonly prompt?: string;
  readonly ratings?: { readonly [name: string]: number };
}

function talkOf([id, { messages, start, prompt, ratings }]: [string, Conversation]): Talk {
  const spoken = messages
    .flatMap((turn, i) => turn.map((said, j) => ({ ...said, id: `${id}:${i}:${j}` })))
    .filter(({ text }) => text !== "")
    .slice(0, MESSAGES_MAX)
    .map(({ id, sender: user, text, timestamp: at }, seq) => ({ id, user, text, at, seq }));
  return { id, start, prompt: prompt === "" ? undefined : prompt, ratings, spoken };
}

const half = ({ spoken }: Talk): number => Math.ceil(spoken.length / 2);
const userOf = ({ spoken }: Talk): string => spoken[0]!.user;
const sessionOf = ({ id }: Talk) => ({ kind: "Session", id });

function item(flow: string, type: string, key: string, data: Item["data"]): Item {
  return { flow, type, key: `${flow}:${type}:${key}`, data };
}

/** Every n-th, by a number that comes from the conversation's id: the same whichever conversations are chosen. */
function every(n: number, { id }: Talk, rest = 0): boolean {
  return Number.parseInt(id.slice(-6), 16) % n === rest;
}

function saying(talk: Talk, spoken: readonly Spoken[]): Item[] {
  return spoken.map(({ id, user, text, at, seq }) => {
    const role = user === userOf(talk) ? "user" : "assistant";
    const data = { id, session: talk.id, user, role, content: text, sentAt: at, seq };
    return item("chat-messages", "create", id, data);
  });
}

function event(talk: Talk, what: string, time: string, data: unknown): Item {
  const type = `org.chitchat.conversation.${what}`;
  const id = `${what}:${talk.id}`;
  return item("events", "record", id, {
    ...{ id, source: SOURCE, type, subject: talk.id, time },
    ...{ about: sessionOf(talk), data },
  });
}

function opening(talk: Talk): Item[] {
  const { id, prompt, start: startedAt, spoken } = talk;
  const title = prompt?.slice(0, 60);
  const user = userOf(talk);
  return [
    item("session", "create", id, { id, user, title, prompt, startedAt }),
    event(talk, "started", startedAt, { prompt: prompt ?? null }),
    item("activity", "create", id, { id: `talk:${id}`, session: id, name: "conversation", startedAt }),
    ...(prompt === undefined
      ? []
      : [
          item("memory", "create", id, {
            ...{ id: `prompt:${id}`, user, content: prompt },
            ...{ message: spoken[0]!.id, tags: ["prompt"] },
          }),
        ]),
    ...saying(talk, spoken.slice(0, half(talk))),
  ];
}

function thinking(talk: Talk): Item[] {
  const { id, spoken } = talk;
  return [
    item("summarization", "generate", id, { id: `summary:${id}`, session: id }),
    item("context-analysis", "analyze", id, { id: `thought:${id}`, session: id }),
    ...(every(5, talk)
      ? [item("context-analysis", "analyze", spoken[0]!.id, { id: `thought:${spoken[0]!.id}`, message: spoken[0]!.id })]
      : []),
  ];
}

function notification(talk: Talk) {
  return { conversation: talk.id, messages: talk.spoken.length, prompt: talk.prompt ?? null };
}

function goingOn(talk: Talk): Item[] {
  const { id, spoken, ratings } = talk;
  return [
    ...saying(talk, spoken.slice(half(talk))),
    item("session", "update", id, { id, endedAt: spoken.at(-1)!.at, ratings }),
    item("activity", "update", id, { id: `talk:${id}`, status: "closing", metadata: { messages: spoken.length } }),
    item("action", "execute", id, {
      ...{ id: `notify:${id}`, activity: `talk:${id}`, webhook: "notify" },
      input: notification(talk),
    }),
  ];
}

function edits(talk: Talk): Item[] {
  const { id, prompt, ratings, spoken } = talk;
  const [messages, items]: [readonly Spoken[], Item[]] = [spoken, []];
  for (const { id, text, seq } of messages) {
    if (seq % 9 === 4) {
      const data = { id, content: `${text} (sic)`, metadata: { edited: true } };
      items.push(item("chat-messages", "update", id, data));
    } else if (seq % 16 === 7) items.push(item("chat-messages", "delete", id, { id }));
  }
  if (prompt !== undefined && every(2, talk)) {
    items.push(item("memory", "update", id, { id: `prompt:${id}`, tags: ["prompt", "kept"] }));
  } else if (prompt !== undefined && every(10, talk, 1)) {
    items.push(item("memory", "delete", id, { id: `prompt:${id}` }));
  }
  if (every(6, talk)) {
    const text = `${spoken.length} messages about: ${prompt ?? "nothing in particular"}`;
    items.push(item("summarization", "update", id, { id: `summary:${id}`, text }));
  }
  if (answerTo(notification(talk)).status === 202) {
    const end = every(2, talk)
      ? { status: "completed", result: { read: true } }
      : { status: "failed", error: "unread" };
    items.push(item("action", "complete", id, { id: `notify:${id}`, ...end }));
  }
  items.push(item("activity", "end", id, { id: `talk:${id}`, endedAt: spoken.at(-1)!.at, result: ratings ?? null }));
  if (ratings !== undefined) items.push(event(talk, "rated", spoken.at(-1)!.at, ratings));
  return items;
}

/** Who rated a conversation has told how it held. */
function judging({ id, ratings }: Talk): Item[] {
  if (ratings === undefined) return [];
  return [item("context-analysis", "evaluate", id, { id: `evaluation:${id}`, thought: `thought:${id}` })];
}

function portrait(user: string): Item {
  return item("summarization", "generate", user, { id: `about:${user}`, user });
}

function questions(talks: readonly Talk[]): Item[] {
  return talks
    .filter((talk) => every(10, talk))
    .flatMap((talk) => {
      const { id, prompt, start: from } = talk;
      const user = userOf(talk);
      const words = prompt
        ?.match(/\p{L}{4,}/gu)
        ?.slice(0, 2)
        .join(" ");
      const to = new Date(Date.parse(from) + 7 * 86_400_000).toISOString();
      return [
        item("memory", "query", `${id}:user`, { user, tags: ["prompt"], limit: 500 }),
        ...(words === undefined ? [] : [item("memory", "query", `${id}:text`, { text: words, limit: 10 })]),
        item("session", "query", `${id}:user`, { user, state: "ended" }),
        item("session", "query", `${id}:time`, { from, to, limit: 20 }),
      ];
    });
}

function deletions(talk: Talk): Item[] {
  return every(8, talk) ? [item("session", "delete", talk.id, { id: talk.id })] : [];
}
