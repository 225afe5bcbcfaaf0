// JSON Lines of operations: {"flow","type","data","key"?,"after"?}. A line is sent as it stands, so that no number loses
// digits. Without a key it gets `jsonl:` and the SHA-256 of the line: the same line is the same operation, in this
// import and in every later one.
import { createHash } from "node:crypto";
import type { Group, Item, Misfit } from "./item.ts";
import { createLineSplitter, type Line } from "./lines.ts";

const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Reads operations; lines of white space alone count for nothing. */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Group> {
  const splitter = createLineSplitter({ lineBytesMax: LINE_BYTES_MAX });
  let ordinal = 0;
  const groupOf = (lines: readonly Line[]): Group => {
    const items: Item[] = [];
    const misfits: Misfit[] = [];
    for (const line of lines) {
      const text = line.text?.trim();
      if (text === "") continue;
      const common = { ordinal: ordinal++, origin: { line: line.number } };
      const operation = text === undefined ? { fault: line.fault! } : readOperation(text);
      if ("text" in operation) items.push({ ...common, text: operation.text, original: () => text! });
      else misfits.push({ ...common, reason: operation.fault, original: () => JSON.stringify(text ?? null) });
    }
    return { items, misfits, end: ordinal };
  };
  for await (const chunk of chunks) yield groupOf(splitter.feed(chunk));
  yield groupOf(splitter.finish());
}

/** The line with a key, or why it is no operation. What its members hold is the service's to judge. */
function readOperation(line: string): { readonly text: string } | { readonly fault: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { fault: "It is not JSON" };
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return { fault: "It is not a JSON object" };
  if ("key" in parsed || Object.keys(parsed).length === 0) return { text: line };
  const key = `jsonl:${createHash("sha256").update(line).digest("hex")}`;
  return { text: `{"key":"${key}",${line.slice(1)}` };
}
