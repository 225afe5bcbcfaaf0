// Splits one big JSON object or array into its top-level members while its bytes go by. It only tracks strings and
// nesting: whether a value is JSON is for whoever parses it.
import { isUtf8 } from "node:buffer";

/** A top-level member; of an array, `name` is its number. `value` is null when it cannot be given, and `fault` says why. */
export interface Member {
  readonly name: string;
  readonly value: string | null;
  readonly fault?: string;
}

/** The bytes are not one JSON object or array. */
export class SplitError extends Error {
  constructor(sort: Sort, what: string, offset: number) {
    super(`Not one JSON ${sort}: ${what} at byte ${offset}`);
    this.name = "SplitError";
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const NAME_BYTES_MAX = 64 * 1024;

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

type Sort = "object" | "array";
type Place = "start" | "first name" | "name" | "in name" | "colon" | "first value" | "value" | "in value" | "end";

export interface SplitterOptions {
  /** A larger member is passed over: it is answered without its value. */
  readonly memberBytesMax: number;
  readonly sort?: Sort;
}

/** A splitter that is fed chunk by chunk; chunks may be cut anywhere. */
export interface Splitter {
  /** The members that end within this chunk. Throws SplitError. */
  feed(chunk: Uint8Array): Member[];
  /** Throws SplitError when the object or array has not ended. */
  finish(): void;
}

export function createSplitter({ memberBytesMax, sort = "object" }: SplitterOptions): Splitter {
  const closing = sort === "object" ? CLOSE_BRACE : CLOSE_BRACKET;
  let place: Place = "start";
  let offset = 0;
  let name = "";
  let members = 0;
  const scanner = createScanner();
  const held = createHolder();

  const unexpected = (byte: number, at: number): SplitError =>
    new SplitError(sort, `unexpected ${JSON.stringify(String.fromCharCode(byte))}`, at);
  /** One byte between names and values. */
  const step = (byte: number, at: number): void => {
    if (isSpace(byte)) return;
    if (place === "start" && sort === "array" && byte === OPEN_BRACKET) place = "first value";
    else if (place === "start" && sort === "object" && byte === OPEN_BRACE) place = "first name";
    else if ((place === "first name" || place === "first value") && byte === closing) place = "end";
    else if ((place === "first name" || place === "name") && byte === QUOTE) {
      place = "in name";
      scanner.beginString();
    } else if (place === "colon" && byte === COLON) place = "value";
    else throw unexpected(byte, at);
  };
  const stepInName = (chunk: Uint8Array, from: number): number => {
    const end = scanner.skipString(chunk, from);
    held.add(chunk.subarray(from, end), NAME_BYTES_MAX);
    if (!scanner.inString()) {
      name = readName(held.take(), sort, offset + end);
      place = "colon";
    }
    return end;
  };
  const memberOf = (bytes: Buffer | null): Member => {
    if (sort === "array") name = String(members++);
    if (bytes === null) return { name, value: null, fault: `It is larger than ${memberBytesMax} bytes` };
    if (!isUtf8(bytes)) return { name, value: null, fault: "It is not UTF-8" };
    return { name, value: bytes.toString("utf8") };
  };
  const stepInValue = (chunk: Uint8Array, from: number, ended: Member[]): number => {
    const end = scanner.skipValue(chunk, from);
    held.add(chunk.subarray(from, end), memberBytesMax);
    if (end === chunk.length) return end;
    const byte = chunk[end]!;
    if (byte !== COMMA && byte !== closing) throw unexpected(byte, offset + end);
    if (byte === closing) place = "end";
    else place = sort === "object" ? "name" : "value";
    ended.push(memberOf(held.take()));
    return end + 1;
  };

  return {
    feed(chunk) {
      const ended: Member[] = [];
      for (let i = 0; i < chunk.length; ) {
        const byte = chunk[i]!;
        if (place === "value" && !isSpace(byte)) place = "in value";
        if (place === "first value" && !isSpace(byte) && byte !== closing) place = "in value";
        if (place === "in name") i = stepInName(chunk, i);
        else if (place === "in value") i = stepInValue(chunk, i, ended);
        else step(byte, offset + i++);
      }
      offset += chunk.length;
      return ended;
    },
    finish() {
      if (place !== "end") throw new SplitError(sort, "it ends too early", offset);
    },
  };
}

/** Finds the ends of strings and values. It remembers over chunk borders where it is. */
function createScanner() {
  let depth = 0;
  let inString = false;
  let escaped = false;

  /** Goes on within a string; answers the index after its end, or the chunk's length. */
  const skipString = (chunk: Uint8Array, from: number): number => {
    for (let i = from; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        inString = false;
        return i + 1;
      }
    }
    return chunk.length;
  };

  return {
    skipString,
    beginString: () => {
      inString = true;
    },
    inString: () => inString,
    /** Goes on within a value; answers the index of what ends it, or the chunk's length. */
    skipValue(chunk: Uint8Array, from: number): number {
      for (let i = from; i < chunk.length; ) {
        if (inString) {
          i = skipString(chunk, i);
          continue;
        }
        const byte = chunk[i]!;
        if (byte === QUOTE) inString = true;
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
        else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
          if (depth === 0) return i;
          depth--;
        } else if (byte === COMMA && depth === 0) return i;
        i++;
      }
      return chunk.length;
    },
  };
}

/** Parts of one name or value, over chunk borders; more than the bound is let go. */
function createHolder() {
  let parts: Uint8Array[] = [];
  let length = 0;
  let overflowed = false;
  return {
    add(part: Uint8Array, bytesMax: number): void {
      length += part.length;
      if (length > bytesMax) {
        overflowed = true;
        parts = [];
      } else if (part.length > 0) parts.push(part);
    },
    /** Everything held, or null when it was too much; empty afterwards. */
    take(): Buffer | null {
      const [only] = parts;
      const whole =
        parts.length === 1 ? Buffer.from(only!.buffer, only!.byteOffset, only!.byteLength) : Buffer.concat(parts);
      const taken = overflowed ? null : whole;
      parts = [];
      length = 0;
      overflowed = false;
      return taken;
    },
  };
}

function readName(bytes: Buffer | null, sort: Sort, at: number): string {
  try {
    if (bytes !== null && isUtf8(bytes)) return JSON.parse(`"${bytes.toString("utf8")}`) as string;
  } catch {
    // Falls through to the one error that there is about names.
  }
  throw new SplitError(sort, `a name that is not a JSON string of at most ${NAME_BYTES_MAX} bytes`, at);
}
