// The SQLite log: offsets across handles, retention, and whose file it opens.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Appended, AppendRecord, Log } from "../../src/gateway/log.ts";
import { openSqliteLog } from "../../src/gateway/node-sqlite-log.ts";
import { startRetention, trimLog } from "../../src/gateway/retention.ts";
import { sqliteLog } from "../../src/gateway/sqlite-log.ts";
import { openFileSql, readMigrations } from "../../src/sql/file.ts";
import type { Sql } from "../../src/sql/sql.ts";
import { temporaryFolder } from "../support/gateway-bundle.ts";

const ALL = { bytesMax: 1e9, recordsMax: 1e6, firstAnyway: true };
const record = (value: string, timestampMs = 0, partition = 0): AppendRecord => ({
  partition,
  key: null,
  value,
  headers: [],
  timestampMs,
  bytes: value.length,
});

async function setup(path = ":memory:"): Promise<Log> {
  const log = openSqliteLog(path);
  await log.createTopic("t", 2);
  onTestFinished(() => log.close());
  return log;
}

async function values(log: Log, partition = 0): Promise<(string | null)[]> {
  const { records } = (await log.read("t", partition, 0, ALL))!;
  return records.map(({ value }) => value as string);
}

describe("append()", () => {
  it("writes nothing when a record names a partition that does not exist", async () => {
    const log = await setup();
    await expect(log.append("t", [record("a"), record("b", 0, 2)])).rejects.toThrow(RangeError);
    expect(await log.offsets("t", 0)).toEqual({ begin: 0, end: 0 });
    expect(await log.append("nowhere", [record("a")])).toBeUndefined();
  });

  it("gives offsets without holes or repeats through two handles on one file", async () => {
    using folder = temporaryFolder();
    const [one, two] = [await setup(folder.file("log.db")), await setup(folder.file("log.db"))];
    const offsets: number[] = [];
    for (let i = 0; i < 50; i++) {
      const appended = await (i % 3 === 0 ? one : two).append("t", [record(`${i}a`), record(`${i}b`)]);
      offsets.push(...appended!.map((each) => (each as Appended).offset));
    }
    expect(offsets).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(await values(one)).toEqual(await values(two));
  });

  it("gives offsets without holes or repeats to processes that write at the same time", async () => {
    using folder = temporaryFolder();
    const log = await setup(folder.file("log.db"));
    const script = `
      import { openSqliteLog } from ${JSON.stringify(new URL("../../src/gateway/node-sqlite-log.ts", import.meta.url).href)};
      const log = openSqliteLog(process.argv[2]);
      await log.createTopic("made-by-all", 2);
      for (let i = 0; i < 200; i++) {
        await log.append("t", [{ partition: 0, key: null, value: process.argv[3] + i, headers: [], timestampMs: 0, bytes: 9 }]);
      }
      await log.close();`;
    const program = folder.file("writer.ts");
    writeFileSync(program, script);
    const run = "Deno" in globalThis ? ["run", "--allow-all"] : [];
    const writers = ["a", "b"].map((name) =>
      spawn(process.execPath, [...run, program, folder.file("log.db"), name], { stdio: "inherit" }),
    );
    const codes = await Promise.all(writers.map(async (writer) => (await once(writer, "exit"))[0]));
    expect(codes).toEqual([0, 0]);
    const { records, end } = (await log.read("t", 0, 0, ALL))!;
    expect(end).toBe(400);
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 400 }, (_, i) => i));
    expect(records.filter(({ value }) => (value as string).startsWith("a")).map(({ value }) => value)).toEqual(
      Array.from({ length: 200 }, (_, i) => `a${i}`),
    );
    expect(await log.topic("made-by-all")).toMatchObject({ partitions: 2 });
  }, 20_000);
});

describe("topics", () => {
  it("keep their id and offsets when the file is opened again; a new file has new ids", async () => {
    using folder = temporaryFolder();
    const before = openSqliteLog(folder.file("log.db"));
    const { topic, created } = await before.createTopic("t", 2);
    await before.append("t", [record("a")]);
    await before.close();
    const after = await setup(folder.file("log.db"));
    expect(created).toBe(true);
    expect(await after.topic("t")).toEqual(topic);
    expect(await after.createTopic("t", 5)).toEqual({ topic, created: false });
    expect(await values(after)).toEqual(["a"]);
    expect((await (await setup(folder.file("other.db"))).topic("t"))!.id).not.toBe(topic.id);
  });

  it("are not made in a file of another application", () => {
    using folder = temporaryFolder();
    const other = new DatabaseSync(folder.file("other.db"));
    other.exec("CREATE TABLE theirs (a)");
    other.close();
    expect(() => openSqliteLog(folder.file("other.db"))).toThrow(/another application/);
  });
});

describe("retention", () => {
  it("keeps everything by default", async () => {
    const log = await setup();
    await log.append("t", [record("a")]);
    expect(await trimLog(log, { nowMs: () => 1e15 })).toBe(0);
    expect(await values(log)).toEqual(["a"]);
  });

  it("removes what is too old and raises the begin offset (case 17)", async () => {
    const log = await setup();
    await log.append("t", [record("a", 10), record("b", 20), record("c", 30), record("other", 10, 1)]);
    expect(await trimLog(log, { ageMsMax: 100, nowMs: () => 125 })).toBe(3);
    expect(await log.read("t", 0, 0, ALL)).toMatchObject({ begin: 2, end: 3, records: [{ offset: 2, value: "c" }] });
    expect(await log.offsets("t", 1)).toEqual({ begin: 1, end: 1 });
  });

  it("goes on from the same offset in a partition that it emptied", async () => {
    const log = await setup();
    await log.append("t", [record("a"), record("b")]);
    await trimLog(log, { ageMsMax: 1, nowMs: () => 1_000 });
    expect(await log.append("t", [record("c")])).toEqual([{ partition: 0, offset: 2 }]);
    expect(await log.read("t", 0, 0, ALL)).toMatchObject({ begin: 2, end: 3, records: [{ offset: 2 }], more: false });
  });

  it("removes the oldest records until a partition fits its bytes", async () => {
    const log = await setup();
    await log.append(
      "t",
      ["aaaa", "bbbb", "cccc", "dd"].map((value) => record(value)),
    );
    await log.append("t", [record("z".repeat(6), 0, 1)]);
    expect(await trimLog(log, { partitionBytesMax: 6, nowMs: () => 0 })).toBe(2);
    expect(await values(log)).toEqual(["cccc", "dd"]);
    expect(await values(log, 1)).toHaveLength(1);
    expect(await trimLog(log, { partitionBytesMax: 6, nowMs: () => 0 })).toBe(0);
  });

  it("works in steps over many records", async () => {
    const log = await setup();
    await log.append(
      "t",
      Array.from({ length: 5_001 }, (_, i) => record("x", 0, i % 2)),
    );
    expect(await log.trim({ ageMsMax: 1 }, 1_000, 10)).toBe(10);
    expect(await trimLog(log, { ageMsMax: 1, nowMs: () => 1_000 })).toBe(4_991);
  });

  it.each([/FROM log_partition/, /SELECT id, bytes/])(
    "raises the begin of a read that it comes into after %s",
    async (statement) => {
      using folder = temporaryFolder();
      const other = await setup(folder.file("log.db"));
      const sql = openFileSql(folder.file("log.db"));
      let due = false;
      const meddling = <Row>(text: string, rows: Row): Row => {
        // An engine's statements run at once: nothing awaits in here, and all of it has happened when the next begins.
        if (due && statement.test(text)) void other.trim({ partitionBytesMax: 2 }, 0, 100);
        if (statement.test(text)) due = false;
        return rows;
      };
      const between: Sql = {
        ...sql,
        get: (text, ...params) => meddling(text, sql.get(text, ...params)),
        all: (text, ...params) => meddling(text, sql.all(text, ...params)),
      };
      const log = sqliteLog(between, readMigrations(new URL("../../src/gateway/migrations/", import.meta.url)));
      onTestFinished(() => log.close());
      await log.append(
        "t",
        ["a", "b", "c", "d"].map((value) => record(value)),
      );
      due = true;
      const expected = { begin: 2, end: 4, records: [{ value: "c" }, { value: "d" }], more: false };
      expect(await log.read("t", 0, 0, ALL)).toMatchObject(expected);
    },
  );

  it("startRetention() trims in its rhythm until it is stopped", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const log = await setup();
    const stop = startRetention(log, { ageMsMax: 1, nowMs: () => 1_000 }, 60_000);
    await log.append("t", [record("a")]);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(await values(log)).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(2);
    expect(await values(log)).toEqual([]);
    await log.append("t", [record("b")]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await values(log)).toEqual([]);
    stop();
    await log.append("t", [record("c")]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(await values(log)).toEqual(["c"]);
  });

  it("startRetention() tells of a failure and tries again", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const log = await setup();
    const trim = vi.fn(() => Promise.reject(new Error("disk full")));
    const onError = vi.fn();
    const stop = startRetention({ ...log, trim }, { ageMsMax: 1, onError }, 1_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(onError).toHaveBeenCalledTimes(2);
    stop();
  });
});
