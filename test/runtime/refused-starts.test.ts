// A service that must not start says why in one line and ends with an exit code.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { keyOf } from "../support/keys.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Env, runTidegate } from "../support/tidegate-process.ts";

const BOUND_MS = 20_000;

/** Starts a service that does not; answers its last words. */
async function startInVain(folder: { path(name: string): string; root: string }, env: Env): Promise<string> {
  const errors = folder.path("errors.txt");
  const all = { PORT: "0", DATA_DIR: folder.path("data"), ...env };
  const { code } = await runTidegate(["start"], { env: all, cwd: folder.root, errors, boundMs: BOUND_MS });
  expect(code).toBe(1);
  const said = readFileSync(errors, "utf8");
  expect(said).toMatch(/^tidegate: .+\n$/);
  return said;
}

const sqlite = (statements: string) => (path: string) => {
  const sql = new DatabaseSync(path);
  sql.exec(statements);
  sql.close();
};

describe("a service does not start", () => {
  it("beyond loopback without API_KEYS or AUTH=none", async () => {
    using folder = tempFolder();
    const said = await startInVain(folder, { HOST: "0.0.0.0", ID_SECRET: "a secret that is long enough" });
    expect(said).toContain('HOST is "0.0.0.0", beyond loopback, and there are no credentials: set API_KEYS');
    expect(said).toContain("or AUTH=none");
  });

  it("with API_KEYS that it cannot read, and says no part of them", async () => {
    using folder = tempFolder();
    const key = keyOf("k");
    const secret = "a secret that is long enough";
    const said = await startInVain(folder, { HOST: "0.0.0.0", ID_SECRET: secret, API_KEYS: `${key}:acme:read` });
    expect(said).toContain("API_KEYS entry 1 does not begin with a key's SHA-256");
    expect(said).not.toContain(key.slice(0, 10));
  });

  it.each<[string, string, (path: string) => void, RegExp]>([
    ["graph.sqlite", "another application", sqlite("CREATE TABLE diary (day)"), /another application/],
    [
      "graph.sqlite",
      "a newer release",
      sqlite(`PRAGMA application_id = ${0x54644772}; PRAGMA user_version = 99`),
      /schema 99.*run a newer release/,
    ],
    ["graph.sqlite", "no database at all", (path) => writeFileSync(path, "x".repeat(5_000)), /not a SQLite file/],
    ["keys.sqlite", "another application", sqlite("CREATE TABLE diary (day)"), /\(keys\).*another application/],
    ["log.sqlite", "a folder", (path) => mkdirSync(path), /Cannot open .*log\.sqlite/],
  ])("over %s of %s", async (name, _, make, line) => {
    using folder = tempFolder();
    mkdirSync(folder.path("data"));
    const path = folder.path(`data/${name}`);
    make(path);
    const said = await startInVain(folder, {});
    expect(said).toMatch(line);
    expect(said).toContain(name === "keys.sqlite" ? "graph.sqlite (keys)" : path);
  });

  it("on a port that is in use", async () => {
    using folder = tempFolder();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const said = await startInVain(folder, { PORT: String(port) });
    expect(said).toBe(`tidegate: Cannot listen on 127.0.0.1:${port}: the port is in use; set PORT\n`);
    await new Promise((resolve) => other.close(resolve));
  });
});
