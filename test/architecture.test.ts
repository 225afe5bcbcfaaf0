// The house: the direction of imports, vendors at their one place, and the size of files. Prints what it measured.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => {
    const path = `src/${name}`;
    const text = readFileSync(join(root, path), "utf8");
    return { path, room: roomOf(path), text, imports: importsOf(path, text) };
  });

/** What each room may import. `runtime` and `cli` see all, and nobody sees them. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  domain: ["domain"],
  ports: ["domain", "ports"],
  flows: ["domain", "ports", "flows"],
  app: ["domain", "ports", "flows", "app"],
  http: ["domain", "ports", "flows", "app", "http"],
  adapters: ["domain", "ports", "adapters", "sql"],
  gateway: ["gateway", "sql"],
  sql: ["sql"],
  client: ["domain", "flows", "client"],
  config: ["domain", "ports", "flows", "config"],
  runtime: [
    "domain",
    "ports",
    "flows",
    "app",
    "http",
    "adapters",
    "gateway",
    "sql",
    "config",
    "runtime",
    "package.json",
  ],
  tidegate: ["domain", "ports", "flows", "app", "http", "config", "runtime"],
  cli: [
    "domain",
    "ports",
    "flows",
    "app",
    "http",
    "adapters",
    "gateway",
    "sql",
    "config",
    "runtime",
    "client",
    "cli",
    "package.json",
  ],
};

/** The rooms where each package may be imported; a package that is not here may be imported nowhere. */
const PACKAGES: Record<string, readonly string[]> = {
  zod: [
    "src/domain/",
    "src/flows/",
    "src/app/intake.ts",
    "src/http/reads.ts",
    "src/http/parked.ts",
    "src/http/openapi/",
    "src/adapters/text-model/",
    "src/gateway/",
    "src/config.ts",
    "src/config/",
    "src/cli/",
  ],
  hono: ["src/http/", "src/gateway/"],
  "@hono/node-server": ["src/runtime/listen.ts"],
  "@opentelemetry/api": [
    "src/app/tracing.ts",
    "src/app/traced-broker.ts",
    "src/http/app.ts",
    "src/runtime/telemetry.ts",
  ],
  "@opentelemetry/core": ["src/runtime/telemetry.ts"],
  "@opentelemetry/sdk-trace": ["src/runtime/telemetry.ts", "src/runtime/cloudflare/telemetry.ts"],
  "@opentelemetry/resources": ["src/runtime/telemetry.ts"],
  "@opentelemetry/otlp-transformer": ["src/runtime/telemetry.ts"],
  "@logtape/logtape": ["src/runtime/logging.ts"],
  "neo4j-driver": ["src/adapters/database/neo4j/bolt.ts"],
  "@upstash/kafka": ["src/adapters/broker/upstash.ts"],
  cockatiel: ["src/adapters/broker/breaker.ts"],
  "wink-nlp": ["src/adapters/text-model/local.ts"],
  "wink-eng-lite-web-model": ["src/adapters/text-model/local.ts"],
  standardwebhooks: ["src/adapters/webhook/standard.ts"],
  "@platformatic/kafka": ["src/gateway/kafka/"],
  citty: ["src/cli/"],
  "cli-progress": ["src/cli/"],
  "node:sqlite": ["src/sql/node.ts"],
  "bun:sqlite": ["src/sql/bun.ts"],
  "cloudflare:workers": ["src/runtime/cloudflare/"],
  "@cloudflare/workers-types": ["src/runtime/cloudflare"],
};

const FILE_LINES_MAX = 400;
const P90_LINES_MAX = 250;
/** Lines of code: neither blank nor comment. See docs/decisions/008-line-budget-with-the-real-parts.md. */
const BUDGETS = { "domain + app": 5_100, src: 30_000 };

function roomOf(path: string): string {
  return path.split("/")[1]!.replace(/\.ts$/, "");
}

function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/^(?:import|export|\}).* from "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm);
  return [...found].map(([, from, bare, dynamic]) => {
    const specifier = (from ?? bare ?? dynamic)!;
    return specifier.startsWith(".") ? relative(root, resolve(root, dirname(path), specifier)) : specifier;
  });
}

function linesOfCode(text: string): number {
  return text.split("\n").filter((line) => !/^\s*(\/\/|\/\*|\*|$)/.test(line)).length;
}

describe("architecture", () => {
  test("sources were found", () => expect(files.length).toBeGreaterThan(50));

  test("imports go one way", () => {
    const wrong = files.flatMap(({ path, room, imports }) =>
      imports
        .filter((target) => target.startsWith("src/") || target === "package.json")
        .filter((target) => !MAY_IMPORT[room]!.includes(target === "package.json" ? target : roomOf(target)))
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("each package is imported only where it belongs", () => {
    const wrong = files.flatMap(({ path, imports }) =>
      imports
        .filter((target) => !target.startsWith("src/") && target !== "package.json")
        .filter((target) => !target.startsWith("node:") || target === "node:sqlite")
        .map((target) => (target.startsWith("@") ? target.split("/").slice(0, 2).join("/") : target.split("/")[0]!))
        .filter((name) => !(PACKAGES[name] ?? []).some((place) => path.startsWith(place)))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test("zod is imported as a whole: by name, a bundle holds its messages in every language", () => {
    const wrong = files.filter(({ text }) => /^import (?!type \* as z |\* as z ).* from "zod";/m.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("inner rooms reach for no platform", () => {
    const inner = files.filter(({ room }) => ["domain", "ports", "flows", "app", "http", "config"].includes(room));
    const wrong = inner.filter(({ text }) => /from "node:|process\.|\bBuffer\b|Date\.now\(|Math\.random\(/.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("only the configuration reads the environment", () => {
    const readers = files.filter(({ text }) => text.includes("process.env")).map(({ path }) => path);
    expect(readers.filter((path) => !path.startsWith("src/cli/"))).toEqual([]);
  });

  test("what the client loads when it runs is itself and rules of the domain that need no package", () => {
    const loaded = new Set<string>();
    const load = (path: string): void => {
      if (loaded.has(path)) return;
      loaded.add(path);
      const { text } = files.find((file) => file.path === path)!;
      for (const target of importsOf(path, text.replace(/^(import|export) type [^;]*;$/gm, ""))) load(target);
    };
    for (const { path, room } of files) if (room === "client") load(path);
    const outside = [...loaded].filter((path) => !path.startsWith("src/client/"));
    expect(outside.sort()).toEqual(["src/domain/backoff.ts", "src/domain/model.ts"]);
    const ofPlatforms = files.filter(({ room, text }) => room === "client" && /"node:|process\.|\bBuffer\b/.test(text));
    expect(ofPlatforms).toEqual([]);
  });

  test("the oracle imports nothing of the sources", () => {
    for (const name of ["oracle.ts", "historian.ts"]) {
      const path = `test/property/${name}`;
      const imports = importsOf(path, readFileSync(join(root, path), "utf8"));
      expect(imports.filter((target) => target.startsWith("src/"))).toEqual([]);
    }
    const canonical = "test/canonical/chitchat-canonical.ts";
    expect(
      importsOf(canonical, readFileSync(join(root, canonical), "utf8")).filter((target) => target.startsWith("src/")),
    ).toEqual([]);
  });

  test("files are small", () => {
    const sizes = files
      .map(({ path, text }) => ({ path, lines: text.split("\n").length }))
      .sort((a, b) => a.lines - b.lines);
    const p90 = sizes[Math.floor(sizes.length * 0.9)]!.lines;
    console.log(`files ${sizes.length}, p90 ${p90} lines, largest ${sizes.at(-1)!.path} with ${sizes.at(-1)!.lines}`);
    expect(sizes.filter(({ lines }) => lines > FILE_LINES_MAX)).toEqual([]);
    expect(p90).toBeLessThanOrEqual(P90_LINES_MAX);
  });

  test("the line budgets hold", () => {
    const rooms = Map.groupBy(files, ({ room }) => room);
    const code = (names: readonly string[]): number =>
      names.flatMap((name) => rooms.get(name) ?? []).reduce((sum, { text }) => sum + linesOfCode(text), 0);
    for (const name of rooms.keys()) console.log(`${name}: ${code([name])} lines of code`);
    const spent = { "domain + app": code(["domain", "app"]), src: code([...rooms.keys()]) };
    for (const name of ["domain + app", "src"] as const) {
      console.log(`${name}: ${spent[name]} of ${BUDGETS[name]} lines of code`);
      expect(spent[name]).toBeLessThanOrEqual(BUDGETS[name]);
    }
  });
});
