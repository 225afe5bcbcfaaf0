// What one answer says of a partition that retention moves on while the read takes several rounds.
import { describe, expect, it } from "vitest";
import { fairRead } from "../../src/gateway/fair-read.ts";
import type { Log, LogSlice } from "../../src/gateway/log.ts";

const record = (offset: number) => ({ offset, key: null, value: "v", headers: [], timestampMs: 0, bytes: 1 });
const slice = (begin: number, offsets: readonly number[]): LogSlice => ({
  begin,
  end: 100,
  records: offsets.map(record),
  more: true,
});

/** Reads two partitions from offset 10 on: the first gives these slices, the second has nothing. */
async function readOf(...slices: (LogSlice | undefined)[]) {
  const left = [...slices];
  const log = {
    read: async (_: string, partition: number) =>
      partition === 0 ? left.shift() : { begin: 0, end: 0, records: [], more: false },
  } as unknown as Log;
  const froms = [0, 1].map((partition) => ({ topic: "t", partition, offset: 10 }));
  const [read] = await fairRead(log, froms, { bytesMax: 1_000, recordsMax: 8 }, 0);
  return read;
}

describe("fairRead()", () => {
  it("leaves a gap behind the records it has to the next read", async () => {
    const offsets = [10, 11, 12, 13];
    expect(await readOf(slice(5, offsets), slice(50, [50, 51, 52, 53]))).toEqual({
      begin: 5,
      end: 100,
      records: offsets.map(record),
    });
  });

  it("tells of no gap that came after its records", async () => {
    expect(await readOf(slice(5, [10, 11, 12, 13]), slice(13, [14, 15, 16, 17]))).toMatchObject({
      begin: 5,
      records: [10, 11, 12, 13, 14, 15, 16, 17].map((offset) => ({ offset })),
    });
  });

  it("begins where its first record is, as long as it has none", async () => {
    const left = [slice(5, []), slice(50, [50, 51])];
    expect(await readOf(...left)).toMatchObject({ begin: 50, records: [{ offset: 50 }, { offset: 51 }] });
  });

  it("keeps the records of a partition that is gone after them", async () => {
    expect(await readOf(slice(5, [10, 11]), undefined)).toMatchObject({ begin: 5, records: [{}, {}] });
  });
});
