// Reads record batches one record at a time, so that a reader stops where its budget ends. Written by hand: the
// library decodes a whole response at once. https://kafka.apache.org/documentation/#recordbatch
import { compressionsAlgorithmsByBitmask } from "@platformatic/kafka";
import { type Content, LogError, type LogHeader, type LogRecord } from "../log.ts";

const HEAD_BYTES = 12;
const AT = { length: 8, magic: 16, attributes: 21, lastDelta: 23, baseTime: 27, maxTime: 35, count: 57, records: 61 };
const MAGIC = 2;
const COMPRESSION = 0b111;
const APPEND_TIME = 1 << 3;
const CONTROL = 1 << 5;
const NO_HEADERS: readonly LogHeader[] = [];

/** Records of one partition, in offset order. */
export interface RecordCursor {
  /** Offset after everything that was passed: records, markers and holes. */
  readonly next: number;
  /** The next record without passing it; undefined at the end of the bytes. */
  peek(): LogRecord | undefined;
  /** Passes the record that `peek` answered. */
  pass(): void;
}

interface Batch {
  readonly base: number;
  readonly baseTime: number;
  /** What all records of the batch bear, when the broker stamps them. */
  readonly time: number | undefined;
  /** Offset after the batch. */
  readonly after: number;
  left: number;
}

/** An offset or a timestamp as a number. Throws LogError `refused` for one that a number cannot hold exactly. */
export function toNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new LogError("refused", `Kafka answered ${value}, which is beyond 2^53 and would be rounded`);
}

/** Reads `bytes` from offset `from` on: batches come back whole, so earlier records and control batches are passed over. */
export function recordCursor(bytes: Buffer, from: number): RecordCursor {
  let at = 0;
  let next = from;
  let batch: Batch | undefined;
  let content = bytes;
  let position = 0;
  let peeked: LogRecord | undefined;

  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = content[position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const slice = (): Buffer | null => {
    const length = varint();
    if (length < 0) return null;
    position += length;
    return content.subarray(position - length, position);
  };

  /** Opens the next batch that may hold a record from `next` on; false at the end, also of a batch that was cut off. */
  const openBatch = (): boolean => {
    while (at + HEAD_BYTES <= bytes.length) {
      const start = at;
      const end = start + HEAD_BYTES + bytes.readInt32BE(start + AT.length);
      if (end > bytes.length) return false;
      at = end;
      if (bytes[start + AT.magic] !== MAGIC) {
        throw new LogError("refused", `Kafka answered records of format ${bytes[start + AT.magic]}, not ${MAGIC}`);
      }
      const attributes = bytes.readInt16BE(start + AT.attributes);
      const base = toNumber(bytes.readBigInt64BE(start));
      const after = base + bytes.readInt32BE(start + AT.lastDelta) + 1;
      if (after <= next) continue;
      if ((attributes & CONTROL) !== 0) {
        next = after;
        continue;
      }
      const maxTime = toNumber(bytes.readBigInt64BE(start + AT.maxTime));
      batch = {
        base,
        after,
        baseTime: toNumber(bytes.readBigInt64BE(start + AT.baseTime)),
        time: (attributes & APPEND_TIME) === 0 ? undefined : maxTime,
        left: bytes.readInt32BE(start + AT.count),
      };
      content = inflate(bytes.subarray(start + AT.records, end), attributes & COMPRESSION);
      position = 0;
      return true;
    }
    return false;
  };

  const readRecord = ({ base, baseTime, time }: Batch): LogRecord | undefined => {
    const length = varint();
    const end = position + length;
    position++;
    const timestampMs = baseTime + varint();
    const offset = base + varint();
    if (offset < next) {
      position = end;
      return undefined;
    }
    const key = slice();
    const value = slice();
    const headers = readHeaders();
    position = end;
    const size = (key?.length ?? 0) + (value?.length ?? 0) + headers.bytes;
    return { offset, key, value, headers: headers.list, timestampMs: time ?? timestampMs, bytes: size };
  };
  const readHeaders = (): { readonly list: readonly LogHeader[]; readonly bytes: number } => {
    const count = varint();
    if (count <= 0) return { list: NO_HEADERS, bytes: 0 };
    let size = 0;
    const list = Array.from({ length: count }, (): LogHeader => {
      const name = slice();
      const value: Content | null = slice();
      size += (name?.length ?? 0) + (value?.length ?? 0);
      return { key: name?.toString("utf8") ?? "", value };
    });
    return { list, bytes: size };
  };

  return {
    get next() {
      return next;
    },
    peek() {
      while (peeked === undefined) {
        if (batch === undefined && !openBatch()) return undefined;
        if (batch!.left-- > 0) peeked = readRecord(batch!);
        else {
          // Compaction leaves batches whose last records are gone.
          next = batch!.after;
          batch = undefined;
        }
      }
      return peeked;
    },
    pass() {
      next = peeked!.offset + 1;
      peeked = undefined;
    },
  };
}

function inflate(records: Buffer, compression: number): Buffer {
  if (compression === 0) return records;
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  if (algorithm?.available !== true) {
    throw new LogError("refused", `Kafka answered records in compression ${compression}, which cannot be read here`);
  }
  return algorithm.decompressSync(records);
}
