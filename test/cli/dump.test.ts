// `tidegate dump --data`: what it prints stays as it is, and what goes wrong is said of the right file.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openFileSql, readMigrations } from "../../src/sql/file.ts";
import { startFakeService } from "../support/fake-service.ts";
import { runCommand as run } from "../support/run-command.ts";
import { tempFolder } from "../support/temp-folder.ts";

const OURS = 0x54644772;
const MIGRATIONS = readMigrations(new URL("../../src/adapters/database/migrations/", import.meta.url));

/** A database file as the release of that schema left it. */
function written(path: string, schema: number): void {
  const sql = openFileSql(path);
  sql.script("PRAGMA journal_mode = DELETE");
  for (const migration of MIGRATIONS.slice(0, schema)) sql.script(migration.sql);
  sql.mark.write(OURS, schema);
  sql.close();
}

const hashOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

describe("tidegate dump --data", () => {
  let folder: ReturnType<typeof tempFolder>;
  let file: string;
  beforeEach(() => {
    folder = tempFolder();
    file = folder.path("graph.sqlite");
  });
  afterEach(() => {
    folder[Symbol.dispose]();
    vi.unstubAllEnvs();
  });

  test("leaves a database of this release as it is, byte for byte", async () => {
    written(file, MIGRATIONS.length);
    const before = hashOf(file);
    expect(await run("dump", "--data", folder.root)).toMatchObject({ code: 0, out: "", err: "" });
    expect(hashOf(file)).toBe(before);
    expect(readdirSync(folder.root)).toEqual(["graph.sqlite"]);
  });

  test("refuses one of an older release in one line, and leaves it as it is", async () => {
    written(file, 4);
    const before = hashOf(file);
    const { code, out, err } = await run("dump", "--data", file);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(
      `tidegate: Cannot read ${file}: it has schema 4 of ${MIGRATIONS.length}; "tidegate start" brings it up to date\n`,
    );
    expect(hashOf(file)).toBe(before);
    expect(readdirSync(folder.root)).toEqual(["graph.sqlite"]);
  });

  test("makes no database of an empty file", async () => {
    writeFileSync(file, "");
    const { code, err } = await run("dump", "--data", file);
    expect([code, err]).toEqual([1, `tidegate: Cannot read ${file}: it is empty, without a schema\n`]);
    expect(readFileSync(file)).toHaveLength(0);
  });

  test("names the database, not the output, for what is wrong with the database", async () => {
    const output = folder.path("out.jsonl");
    writeFileSync(file, "this is no database, however long one makes it ".repeat(20));
    for (const data of [file, folder.path("nowhere"), "neo4j"]) {
      vi.stubEnv("NEO4J_URL", "");
      const { code, err } = await run("dump", "--data", data, "--output", output);
      expect([data, code]).toEqual([data, 1]);
      expect(err).toContain(data);
      expect(err).not.toContain("out.jsonl");
      expect(err).toMatch(/^tidegate: [^\n]*\n$/);
    }
    vi.stubEnv("PORT", "x");
    expect((await run("dump", "--data", "neo4j", "--output", output)).err).not.toContain("out.jsonl");
    expect(readdirSync(folder.root)).toEqual(["graph.sqlite"]);
  });

  test("names the output for what is wrong with the output", async () => {
    written(file, MIGRATIONS.length);
    mkdirSync(folder.path("a-folder"));
    const fake = await startFakeService();
    fake.answers.set("/v1/dump", "{}\n".repeat(100_000));
    for (const source of [
      ["--data", file],
      ["--url", fake.url],
    ]) {
      const nowhere = await run("dump", ...source, "--output", folder.path("nowhere/out"));
      expect(nowhere).toMatchObject({
        code: 1,
        err: expect.stringMatching(/^tidegate: Cannot write \S*nowhere\/out: /),
      });
      const taken = await run("dump", ...source, "--output", folder.path("a-folder"));
      expect(taken).toMatchObject({ code: 1, err: expect.stringMatching(/^tidegate: Cannot write \S*a-folder: /) });
    }
    fake.close();
    expect(readdirSync(folder.root).sort()).toEqual(["a-folder", "graph.sqlite"]);
  });

  test("never writes over what it reads", async () => {
    written(file, MIGRATIONS.length);
    const { code, err } = await run("dump", "--data", folder.root, "--output", file);
    expect([code, err]).toEqual([1, expect.stringContaining("is the database itself")]);
    expect(readFileSync(file).subarray(0, 6).toString()).toBe("SQLite");
  });
});
