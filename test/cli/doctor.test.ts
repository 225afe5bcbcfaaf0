import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { openFileSql } from "../../src/sql/file.ts";
import { apiKeys } from "../support/keys.ts";
import { runCommand } from "../support/run-command.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

interface Findings {
  readonly ok: boolean;
  readonly findings: readonly { name: string; verdict: string; found: string; advice?: string }[];
}

/** What doctor says in an environment, by check. */
async function examine(env: { readonly [name: string]: string } = {}) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { code, out } = await runCommand("doctor", "--json");
  const { ok, findings } = JSON.parse(out) as Findings;
  expect(code).toBe(ok ? 0 : 1);
  const of = (name: string) => findings.find((finding) => finding.name === name)!;
  return { code, findings, of, names: findings.map(({ name }) => name) };
}

/** Answers everything with a text. */
async function stranger(text: string): Promise<string> {
  const server = createServer((_, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

describe("tidegate doctor", () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
    vi.stubEnv("DATA_DIR", folder.path("data"));
    vi.stubEnv("PORT", "0");
    vi.stubEnv("KAFKA_URL", "");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    folder[Symbol.dispose]();
  });

  test("finds nothing wrong where nothing is yet, and makes nothing", async () => {
    const { code, names, findings } = await examine();
    expect(code).toBe(0);
    expect(names).toEqual(["config", "data", "secret", "database", "clock", "broker", "topics", "port"]);
    expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(existsSync(folder.path("data"))).toBe(false);
  });

  test("prints one line each", async () => {
    const { out } = await runCommand("doctor");
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(8);
    for (const line of lines) expect(line).toMatch(/^(ok|warn|fail) +[a-z]+ +\S/);
  });

  test("names every problem of the configuration, and stops there", async () => {
    const { code, findings } = await examine({ PORT: "x", LOG_LEVEL: "loud" });
    expect(code).toBe(1);
    expect(findings.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["config", "fail"],
      ["config", "fail"],
      ["others", "warn"],
    ]);
  });

  test("looks at a running service and its files", async () => {
    await using service = await startServiceProcess(folder.root);
    const { code, of, findings } = await examine({ PORT: new URL(service.url).port });
    expect([code, findings.filter(({ verdict }) => verdict !== "ok")]).toEqual([0, []]);
    expect(of("port").found).toMatch(/^Tidegate \d.* answers at 127\.0\.0\.1:\d+ and is ready$/);
    expect(of("database").found).toMatch(/graph\.sqlite answers: outbox 0, parked 0, sweeps 0$/);
    expect(of("clock").found).toMatch(/^this clock is -?\d+ ms from the database's$/);
    expect(of("topics").found).toMatch(/^all \d+ are there$/);
    chmodSync(folder.path("data/id-secret"), 0o644);
    expect((await examine()).of("secret")).toMatchObject({
      verdict: "warn",
      advice: expect.stringMatching(/^run "chmod/),
    });
  });

  test("tells that a service with API keys is ready, without one", async () => {
    await using service = await startServiceProcess(folder.root, { API_KEYS: apiKeys({ k: ["acme", "read"] }) });
    const { of } = await examine({ PORT: new URL(service.url).port });
    expect(of("port").found).toMatch(/^Tidegate with API keys answers at 127\.0\.0\.1:\d+ and is ready$/);
  });

  test("tells files that are no good", async () => {
    mkdirSync(folder.path("data"));
    writeFileSync(folder.path("data/graph.sqlite"), "this is no database, however long one makes it ".repeat(20));
    writeFileSync(folder.path("data/log.sqlite"), "nor is this ".repeat(100));
    writeFileSync(folder.path("data/id-secret"), "short");
    const { code, of } = await examine();
    expect(code).toBe(1);
    expect(of("database")).toMatchObject({ verdict: "fail", found: expect.stringContaining("not a SQLite file") });
    expect(of("broker")).toMatchObject({ verdict: "fail", found: expect.stringContaining("not a SQLite file") });
    expect(of("secret")).toMatchObject({ verdict: "fail", found: expect.stringContaining("fewer than 16 characters") });
    const file = await examine({ DATA_DIR: folder.path("data/id-secret") });
    expect(file.of("data")).toMatchObject({ verdict: "fail", found: expect.stringContaining("is a file") });
  });

  test("makes no database of an empty file", async () => {
    mkdirSync(folder.path("data"));
    writeFileSync(folder.path("data/graph.sqlite"), "");
    expect((await examine()).of("database")).toMatchObject({
      verdict: "warn",
      found: expect.stringMatching(/graph\.sqlite is empty$/),
    });
    expect(readFileSync(folder.path("data/graph.sqlite"))).toHaveLength(0);
  });

  test("leaves a database of a newer or a foreign application as it is", async () => {
    mkdirSync(folder.path("data"));
    const sql = openFileSql(folder.path("data/graph.sqlite"));
    sql.script("PRAGMA user_version = 999; PRAGMA application_id = 1; CREATE TABLE theirs (a)");
    sql.close();
    expect((await examine()).of("database")).toMatchObject({ verdict: "fail" });
    const again = openFileSql(folder.path("data/graph.sqlite"));
    expect(again.get("PRAGMA user_version")).toEqual({ user_version: 999 });
    again.close();
  });

  test("tells a Kafka that is away, and one that lacks topics", async () => {
    const away = await examine({ KAFKA_URL: "http://127.0.0.1:9" });
    expect([away.of("broker").verdict, away.of("topics").verdict]).toEqual(["fail", "warn"]);
    const off = await examine({ ENABLE_KAFKA: "false" });
    expect([off.code, off.of("broker").verdict]).toEqual([0, "warn"]);
    const port = await stranger("<html>");
    const wrong = await examine({ KAFKA_URL: `http://127.0.0.1:${port}`, ENABLE_KAFKA: "true" });
    expect(wrong.of("broker")).toMatchObject({ verdict: "fail" });
  });

  test.each([
    ["<html>", /is taken by something else$/],
    ['{"name":"another"}', /is taken by something else$/],
    ["null", /is taken by something else$/],
    ['{"name":"tidegate","version":"1","ready":false,"reasons":["x"]}', /^Tidegate 1 answers at .* and is not ready$/],
  ])("tells who is at the port when it answers %s", async (text, found) => {
    expect((await examine({ PORT: await stranger(text) })).of("port").found).toMatch(found);
  });

  test("tells a free port, and a host that this machine does not have", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect((await examine({ PORT: String(port) })).of("port").found).toBe(
      `127.0.0.1:${port} is free, and no service runs there`,
    );
    const env = { HOST: "192.0.2.1", AUTH: "none", ID_SECRET: "0123456789abcdef" };
    expect((await examine(env)).of("port")).toMatchObject({
      verdict: "fail",
      found: expect.stringContaining("EADDRNOTAVAIL"),
    });
  });
});
