// The operations of the CHIT-CHAT file, in the order and form `tidegate import` sends them.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

interface Message {
  readonly text: string;
  readonly timestamp: string;
  readonly sender: string;
}

interface Conversation {
  readonly messages: readonly (readonly Message[])[];
  readonly start: string;
  readonly prompt?: string;
  readonly ratings?: Record<string, number>;
}

/** One operation and its idempotency key. */
export interface BenchOperation {
  readonly flow: "session" | "chat-messages";
  readonly data: {
    readonly id: string;
    readonly session?: string;
    readonly user?: string;
    readonly [name: string]: unknown;
  };
  readonly key: string;
}

/** Reads at most `limit` operations that the service accepts (empty messages are left out). */
export function readOperations(path: string, limit: number): BenchOperation[] {
  const file = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8")) as Record<string, Conversation>;
  const operations: BenchOperation[] = [];
  for (const [id, { messages, start, prompt, ratings }] of Object.entries(file)) {
    operations.push({ flow: "session", data: { id, prompt, startedAt: start, ratings }, key: `chitchat:${id}` });
    let seq = 0;
    for (const [turn, said] of messages.entries()) {
      for (const [index, { text, timestamp, sender }] of said.entries()) {
        const name = `${id}:${turn}:${index}`;
        const data = { id: name, session: id, user: sender, content: text, sentAt: timestamp, seq: seq++ };
        if (text !== "") operations.push({ flow: "chat-messages", data, key: `chitchat:${name}` });
      }
    }
    if (operations.length >= limit) break;
  }
  return operations.slice(0, limit);
}
