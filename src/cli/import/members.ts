// Splits one big JSON object into its top-level members while its bytes go by. It only tracks strings and nesting:
// whether a value is JSON is for whoever parses it.
import { isUtf8 } from "node:buffer";

/** A top-level member. `value` is null when it cannot be given, and `fault` says why. */
export interface Member {
  readonly name: string;
  readonly value: string | null;
  readonly fault?: string;
}

/** The bytes are not one JSON object. */
export class SplitError extends Error {
  constructor(what: string, offset: number) {
    super(`Not one JSON object: ${what} at byte ${offset}`);
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

type Place = "start" | "first name" | "name" | "in name" | "colon" | "value" | "in value" | "end";

/** A splitter that is fed chunk by chunk; chunks may be cut anywhere. */
export interface Splitter {
  /** The members that end within this chunk. Throws SplitError. */
  feed(chunk: Uint8Array): Member[];
  /** Throws SplitError when the object has not ended. */
  finish(): void;
}

/** A member larger than `memberBytesMax` is passed over: it is answered without its value. */
export function createSplitter({ memberBytesMax }: { memberBytesMax: number }): Splitter {
  let place: Place = "start";
  let offset = 0;
  let name = "";
  const scanner = createScanner();
  const held = createHolder();

  /** One byte between names and values. */
  const step = (byte: number, at: number): void => {
    if (isSpace(byte)) return;
    if (place === "start" && byte === OPEN_BRACE) place = "first name";
    else if (place === "first name" && byte === CLOSE_BRACE) place = "end";
    else if ((place === "first name" || place === "name") && byte === QUOTE) {
      place = "in name";
      scanner.beginString();
    } else if (place === "colon" && byte === COLON) place = "value";
    else throw new SplitError(`unexpected ${JSON.stringify(String.fromCharCode(byte))}`, at);
  };
  const stepInName = (chunk: Uint8Array, from: number): number => {
    const end = scanner.skipString(chunk, from);
    held.add(chunk.subarray(from, end), NAME_BYTES_MAX);
    if (!scanner.inString()) {
      name = readName(held.take(), offset + end);
      place = "colon";
    }
    return end;
  };
  const memberOf = (bytes: Buffer | null): Member => {
    if (bytes === null) return { name, value: null, fault: `It is larger than ${memberBytesMax} bytes` };
    if (!isUtf8(bytes)) return { name, value: null, fault: "It is not UTF-8" };
    return { name, value: bytes.toString("utf8") };
  };
  const stepInValue = (chunk: Uint8Array, from: number, members: Member[]): number => {
    const end = scanner.skipValue(chunk, from);
    held.add(chunk.subarray(from, end), memberBytesMax);
    if (end === chunk.length) return end;
    if (chunk[end] === CLOSE_BRACKET) throw new SplitError('unexpected "]"', offset + end);
    place = chunk[end] === COMMA ? "name" : "end";
    members.push(memberOf(held.take()));
    return end + 1;
  };

  return {
    feed(chunk) {
      const members: Member[] = [];
      for (let i = 0; i < chunk.length; ) {
        if (place === "value" && !isSpace(chunk[i]!)) place = "in value";
        if (place === "in name") i = stepInName(chunk, i);
        else if (place === "in value") i = stepInValue(chunk, i, members);
        else step(chunk[i]!, offset + i++);
      }
      offset += chunk.length;
      return members;
    },
    finish() {
      if (place !== "end") throw new SplitError("it ends too early", offset);
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

function readName(bytes: Buffer | null, at: number): string {
  try {
    if (bytes !== null && isUtf8(bytes)) return JSON.parse(`"${bytes.toString("utf8")}`) as string;
  } catch {
    // Falls through to the one error that there is about names.
  }
  throw new SplitError(`a name that is not a JSON string of at most ${NAME_BYTES_MAX} bytes`, at);
}
