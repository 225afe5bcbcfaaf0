// Splits bytes into lines while they go by.
import { isUtf8 } from "node:buffer";

/** A line without its end, numbered from 1. `text` is null when it cannot be given, and `fault` says why. */
export interface Line {
  readonly number: number;
  readonly text: string | null;
  readonly fault?: string;
}

const NEWLINE = 0x0a;

/** A splitter that is fed chunk by chunk. A line larger than `lineBytesMax` is passed over. */
export function createLineSplitter({ lineBytesMax }: { lineBytesMax: number }) {
  let parts: Uint8Array[] = [];
  let length = 0;
  let number = 0;

  const hold = (part: Uint8Array): void => {
    length += part.length;
    if (length > lineBytesMax) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const endLine = (): Line => {
    number++;
    const tooLarge = length > lineBytesMax;
    const bytes = Buffer.concat(parts);
    parts = [];
    length = 0;
    if (tooLarge) return { number, text: null, fault: `It is larger than ${lineBytesMax} bytes` };
    if (!isUtf8(bytes)) return { number, text: null, fault: "It is not UTF-8" };
    return { number, text: bytes.toString("utf8") };
  };

  return {
    /** The lines that end within this chunk. */
    feed(chunk: Uint8Array): Line[] {
      const lines: Line[] = [];
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
        hold(chunk.subarray(from, end));
        lines.push(endLine());
        from = end + 1;
      }
      hold(chunk.subarray(from));
      return lines;
    },
    /** The last line, when it has no end. */
    finish(): Line[] {
      return length > 0 ? [endLine()] : [];
    },
  };
}
