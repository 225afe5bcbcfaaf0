// Conversations of the excerpt, as plain messages.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";

export const EXCERPT = join(resolve(import.meta.dirname, ".."), "data/chitchat-excerpt.json.gz");

export interface Said {
  readonly user: string;
  readonly content: string;
  readonly sentAt: string;
}

/** Every conversation with what was said, in its order. */
export function conversations(): ReadonlyMap<string, readonly Said[]> {
  const all: { [id: string]: { messages: { text: string; timestamp: string; sender: string }[][] } } = JSON.parse(
    gunzipSync(readFileSync(EXCERPT)).toString("utf8"),
  );
  return new Map(
    Object.entries(all).map(([id, { messages }]) => [
      id,
      messages.flat().map(({ text, timestamp, sender }) => ({ user: sender, content: text, sentAt: timestamp })),
    ]),
  );
}
