// Server-sent events as they are read from a response: the part of the format that the service uses.

import { orAborted } from "./call.ts";

/** One event; without data it only says where the stream is. */
export interface StreamEvent {
  readonly name: string;
  readonly id: string;
  readonly data: string | undefined;
}

/** An event that is longer is no event of the service. */
const EVENT_CHARACTERS_MAX = 4_194_304;

/** Events of a body as they arrive. `onPiece` is called with every piece, comments included: somebody is there. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  onPiece: () => void,
): AsyncGenerator<StreamEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await orAborted(reader.read(), signal);
      if (done) return;
      onPiece();
      rest += decoder.decode(value, { stream: true });
      if (rest.length > EVENT_CHARACTERS_MAX) throw new Error("An event of the stream does not end");
      const texts = rest.split("\n\n");
      rest = texts.pop()!;
      for (const text of texts) {
        const event = readEvent(text);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

/** An event of its lines; undefined when they are comments. */
function readEvent(text: string): StreamEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name, value = ""] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
  }
  if (!fields.has("data") && !fields.has("id")) return undefined;
  return { name: fields.get("event") ?? "message", id: fields.get("id") ?? "", data: fields.get("data") };
}
