// A conversation of a ChatGPT export is a tree: an edited question or another answer begins a branch. What a person
// sees is the thread from `current_node` up to the root; of that, what was said in words.

/** A message as the import takes it. */
export interface Spoken {
  /** The node's id, unique within its conversation. */
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly text: string;
  /** Milliseconds since 1970; null when the export does not say. */
  readonly atMs: number | null;
  /** The node as the export has it. */
  readonly node: unknown;
}

/** Why messages are left out. `attachments` counts files and pictures, of messages that may be taken for their words. */
export const LEFT_OUT_REASONS = ["otherBranch", "system", "tool", "hidden", "noText", "attachments"] as const;
export type LeftOutReason = (typeof LEFT_OUT_REASONS)[number];

/** Called for what is left out, with how many. */
export type LeaveOut = (reason: LeftOutReason, count: number) => void;

interface Node {
  readonly parent?: unknown;
  readonly message?: unknown;
}

type Members = { readonly [name: string]: unknown };

/** Nodes from the root to `current`; or why there is no such way. */
export function threadTo(mapping: Members, current: unknown): readonly string[] | string {
  const ids = new Set<string>();
  for (let id = current; typeof id === "string"; id = (mapping[id] as Node).parent) {
    if (!Object.hasOwn(mapping, id) || !isObject(mapping[id])) {
      // A parent that is not in the export ends the thread there; the thread itself must begin somewhere.
      if (ids.size > 0) break;
      return 'It has no current thread: "current_node" names no node of "mapping"';
    }
    if (ids.has(id)) return "Its parents go round in a circle";
    ids.add(id);
  }
  if (ids.size === 0) return 'It has no current thread: "current_node" is missing';
  return [...ids].reverse();
}

/** What was said on a thread, in order; everything else is left out, with its reason. */
export function spokenOn(mapping: Members, thread: readonly string[], leaveOut: LeaveOut): Spoken[] {
  const onThread = new Set(thread);
  for (const [id, node] of Object.entries(mapping)) {
    if (!onThread.has(id) && isObject(node) && isObject(node.message)) leaveOut("otherBranch", 1);
  }
  return thread.flatMap((id) => {
    const node = mapping[id] as Node;
    if (!isObject(node.message)) return [];
    const spoken = spokenIn(id, node.message, node, leaveOut);
    return spoken === undefined ? [] : [spoken];
  });
}

function spokenIn(id: string, message: Members, node: unknown, leaveOut: LeaveOut): Spoken | undefined {
  const role = isObject(message.author) ? message.author.role : undefined;
  const content = isObject(message.content) ? message.content : {};
  const metadata = isObject(message.metadata) ? message.metadata : {};
  const attachments = countAttachments(content, metadata);
  if (attachments > 0) leaveOut("attachments", attachments);
  const text = textOf(content);
  const reason = reasonOf(role, message, metadata) ?? (text.trim() === "" ? "noText" : undefined);
  if (reason === undefined) return { id, role: role as Spoken["role"], text, atMs: timeOf(message.create_time), node };
  leaveOut(reason, 1);
  return undefined;
}

function reasonOf(role: unknown, message: Members, metadata: Members): LeftOutReason | undefined {
  if (metadata.is_visually_hidden_from_conversation === true && role !== "system") return "hidden";
  if (role === "user") return undefined;
  if (role !== "assistant") return role === "system" ? "system" : "tool";
  // An answer to anybody but all is a call of a tool.
  const isCall = typeof message.recipient === "string" && message.recipient !== "all";
  return isCall ? "tool" : undefined;
}

/** Content types whose parts a person reads; thoughts, recaps and custom instructions are none. */
const WORDS = new Set(["text", "multimodal_text"]);

function textOf({ content_type: type, parts }: Members): string {
  if (!WORDS.has(String(type)) || !Array.isArray(parts)) return "";
  return parts.map(wordsOf).filter(isText).join("\n");
}

/** The words of a part: a text, or what was understood of speech. */
function wordsOf(part: unknown): unknown {
  return isObject(part) && part.content_type === "audio_transcription" ? part.text : part;
}

/** Pictures are parts and stand among the attachments as well; other files only there. */
function countAttachments({ parts }: Members, { attachments }: Members): number {
  const others = Array.isArray(parts) ? parts.filter((part) => typeof wordsOf(part) !== "string").length : 0;
  return Math.max(others, Array.isArray(attachments) ? attachments.length : 0);
}

/** The year 10000. */
const SECONDS_MAX = 253_402_300_800;

/** Seconds since 1970, as the export writes times, in milliseconds; null for anything else. */
export function timeOf(seconds: unknown): number | null {
  return typeof seconds === "number" && seconds > 0 && seconds < SECONDS_MAX ? Math.floor(seconds * 1_000) : null;
}

export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
