// A rebuild only looks at the database in use and at the log: neither is changed by it, and a broken database, which is why
// one rebuilds, does not stand in its way.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { flows } from "../../src/flows/index.ts";
import { openLog } from "../../src/runtime/embedded.ts";
import { rebuild } from "../../src/runtime/rebuild-node.ts";
import { openFileSql, readMigrations } from "../../src/sql/file.ts";
import { record } from "../http/foreign-records.ts";
import { tempFolder } from "../support/temp-folder.ts";

const OURS = 0x54644772;
const MIGRATIONS = readMigrations(new URL("../../src/adapters/database/migrations/", import.meta.url));
const TOPIC = "memory-operations";
const RETENTION_EVERY_MS = 60_000;

const hashOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

describe("a rebuild beside a database in use", () => {
  let folder: ReturnType<typeof tempFolder>;
  let env: { readonly [name: string]: string };
  beforeEach(async () => {
    folder = tempFolder();
    env = { DATA_DIR: folder.root, LOG_LEVEL: "error", ID_SECRET: "a secret of sixteen characters" };
    const { log, stop } = await openLog(parseConfig(env, flows), () => undefined);
    const value = JSON.stringify(record());
    const bytes = Buffer.byteLength(value);
    await log.append(TOPIC, [{ partition: 0, key: null, value, headers: [], timestampMs: 1, bytes }]);
    await stop();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    folder[Symbol.dispose]();
  });

  it("leaves one of an older release as it is, and says that it was not compared", async () => {
    const file = folder.path("graph.sqlite");
    const sql = openFileSql(file);
    for (const migration of MIGRATIONS.slice(0, 4)) sql.script(migration.sql);
    sql.mark.write(OURS, 4);
    sql.close();
    const before = hashOf(file);
    const { records, obstacles } = await rebuild(folder.path("new.sqlite"), env);
    expect([records, obstacles]).toEqual([
      1,
      [expect.stringMatching(/^what the database in use has beside the log is not known: .* has schema 4 of \d+;/)],
    ]);
    expect(hashOf(file)).toBe(before);
  });

  it("is made although that one is broken", async () => {
    writeFileSync(folder.path("graph.sqlite"), "this is no database, however long one makes it ".repeat(20));
    const { records, obstacles } = await rebuild(folder.path("new.sqlite"), env);
    expect([records, obstacles]).toEqual([1, [expect.stringContaining("it is not a SQLite file")]]);
    expect(existsSync(folder.path("new.sqlite"))).toBe(true);
  });

  it("makes no secret where there is none, and says what that means", async () => {
    const { ID_SECRET: _, ...without } = env;
    const { records, obstacles } = await rebuild(folder.path("new.sqlite"), without);
    expect([records, obstacles]).toEqual([1, [expect.stringMatching(/^neither ID_SECRET is set nor /)]]);
    expect(existsSync(folder.path("id-secret"))).toBe(false);
  });

  it("does not cut the log to its retention", async () => {
    const later = globalThis.setTimeout;
    let rounds = 0;
    vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms?: number) => {
      if (ms === RETENTION_EVERY_MS && rounds++ === 0) work();
      return later(work, ms);
    }) as typeof setTimeout);
    const retained = { ...env, KAFKA_RETENTION_MS: "1000" };
    expect(await rebuild(folder.path("new.sqlite"), retained)).toMatchObject({ records: 1, gap: 0, obstacles: [] });
    const { log, stop } = await openLog(parseConfig(env, flows), () => undefined);
    const offsets = await log.offsets(TOPIC, 0);
    await stop();
    expect(offsets).toMatchObject({ begin: 0, end: 1 });
  });
});
