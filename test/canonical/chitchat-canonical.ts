// The dump that must stand after an import of a CHIT-CHAT file, built from the file itself. It imports nothing of src
// on purpose: it is the other opinion about what the graph should be.
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { findChitchat } from "../support/chitchat.ts";

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

/** What the dump of a file has to be. */
export interface Canonical {
  /** Its lines, nodes before edges, without line ends. */
  readonly lines: readonly string[];
  /** Of the lines, each with its line end. */
  readonly sha256: string;
  readonly sessions: number;
  readonly messages: number;
  readonly users: number;
  /** Messages without text, which the service refuses. */
  readonly empty: number;
}

/** One text for equal values: members sorted by code unit, no white space. */
function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`).join(",")}}`;
}

/** `2018-05-02T19:38:15Z` and any other offset or precision, as UTC with milliseconds. */
const utc = (time: string): string => new Date(time).toISOString();

const keyOf = (kind: string, id: string): string => `default/${kind}/${encodeURIComponent(id)}`;

/** Builds the canonical dump of a file, plain or gzipped. */
export function buildCanonical(path: string): Canonical {
  const bytes = readFileSync(path);
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const conversations = JSON.parse((packed ? gunzipSync(bytes) : bytes).toString("utf8")) as {
    [id: string]: Conversation;
  };

  const nodes = new Map<string, string>();
  const edges = new Map<string, readonly string[]>();
  const node = (kind: string, id: string, fields: object): void => {
    const key = keyOf(kind, id);
    nodes.set(key, canonicalText({ node: key, labels: [kind], fields }));
  };
  const counts = { sessions: 0, messages: 0, users: 0, empty: 0 };
  for (const [id, { messages, start, prompt, ratings }] of Object.entries(conversations)) {
    node("Session", id, { prompt, startedAt: utc(start), ratings });
    counts.sessions++;
    let seq = -1;
    for (const [turn, spoken] of messages.entries()) {
      for (const [index, { text, timestamp, sender }] of spoken.entries()) {
        seq++;
        if (text === "") {
          counts.empty++;
          continue;
        }
        const message = `${id}:${turn}:${index}`;
        node("Message", message, { content: text, sentAt: utc(timestamp), seq });
        if (!nodes.has(keyOf("User", sender))) {
          node("User", sender, {});
          counts.users++;
        }
        const to = keyOf("Message", message);
        // In order of the fields that hold them: session, then user.
        edges.set(to, [
          canonicalText({ edge: "CONTAINS", from: keyOf("Session", id), to }),
          canonicalText({ edge: "SENT", from: keyOf("User", sender), to }),
        ]);
        counts.messages++;
      }
    }
  }
  const lines = [...nodes.keys()].sort().map((key) => nodes.get(key)!);
  for (const key of [...edges.keys()].sort()) lines.push(...edges.get(key)!);
  const hash = createHash("sha256");
  for (const line of lines) hash.update(`${line}\n`);
  return { lines, sha256: hash.digest("hex"), ...counts };
}

function writeLines(path: string, lines: readonly string[]): void {
  const file = openSync(path, "w");
  for (let from = 0; from < lines.length; from += 10_000) {
    writeSync(
      file,
      lines
        .slice(from, from + 10_000)
        .map((line) => `${line}\n`)
        .join(""),
    );
  }
  closeSync(file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({ options: { output: { type: "string" } }, allowPositionals: true });
  const path = positionals[0] ?? findChitchat("the canonical dump");
  if (path === undefined) process.exit(1);
  const { lines, ...rest } = buildCanonical(path);
  if (values.output !== undefined) writeLines(values.output, lines);
  process.stdout.write(`${JSON.stringify({ lines: lines.length, ...rest })}\n`);
}
