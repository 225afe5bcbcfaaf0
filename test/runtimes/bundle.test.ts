// The bundle of the Worker: what it weighs, and what must not be in it.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BundledModule, buildWorker, holdsModel, MODEL_PACKAGES, withoutModel } from "../../build/worker.ts";

/** Everything but the language model; Cloudflare's limits are 3 MB (free) and 10 MB. */
const GZIP_BYTES_MAX = 300 * 1024;
const TOTAL_GZIP_BYTES_MAX = 2_500 * 1024;

/** Packages that have no business on the edge. */
const STRANGERS = [
  "@platformatic/kafka",
  "neo4j-driver",
  "neo4j-driver-core",
  "@hono/node-server",
  "citty",
  "cli-progress",
];

const folder = mkdtempSync(join(tmpdir(), "tidegate-bundle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the Worker's bundle", () => {
  let modules: BundledModule[];
  beforeAll(async () => {
    modules = await buildWorker({ modules: join(folder, "modules"), assets: join(folder, "assets") });
  });
  const hasAny = ({ shares }: BundledModule, names: readonly string[]): boolean =>
    shares.some(({ name }) => names.includes(name));
  const weight = (some: readonly BundledModule[]): number => some.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);

  it("weighs at most 300 KiB without the language model", () => {
    const own = withoutModel(modules);
    console.log(
      `bundle: ${(weight(own) / 1024).toFixed(0)} KiB gzip, ${(weight(modules) / 1024).toFixed(0)} with the model`,
    );
    expect(weight(own)).toBeLessThanOrEqual(GZIP_BYTES_MAX);
    expect(weight(modules)).toBeLessThanOrEqual(TOTAL_GZIP_BYTES_MAX);
  });

  it("keeps the language model in modules of its own", () => {
    const models = modules.filter(holdsModel);
    expect(models.length).toBeGreaterThan(0);
    for (const { file, shares } of models) {
      expect(file).not.toBe("worker.js");
      expect(shares.every(({ name }) => MODEL_PACKAGES.includes(name))).toBe(true);
    }
  });

  it("leaves out what is for processes, and the command line", () => {
    for (const module of modules) expect(hasAny(module, [...STRANGERS, "src/cli"])).toBe(false);
  });

  it("has the pages' files beside it", () => {
    expect(readdirSync(join(folder, "assets/docs/assets")).sort()).toEqual(["swagger-ui-bundle.js", "swagger-ui.css"]);
  });

  it("knows every migration", async () => {
    const { GRAPH_MIGRATIONS, LOG_MIGRATIONS } = await migrationsOf();
    expect(GRAPH_MIGRATIONS).toEqual(filesOf("src/adapters/database/migrations"));
    expect(LOG_MIGRATIONS).toEqual(filesOf("src/gateway/migrations"));
  });
});

const ROOT = join(import.meta.dirname, "../..");

function filesOf(path: string): string[] {
  return readdirSync(join(ROOT, path)).filter((name) => name.endsWith(".sql"));
}

/** Names of the files that the Worker's list imports, in its order. */
async function migrationsOf(): Promise<{ GRAPH_MIGRATIONS: string[]; LOG_MIGRATIONS: string[] }> {
  const { readFileSync } = await import("node:fs");
  const text = readFileSync(join(ROOT, "src/runtime/cloudflare/migrations.ts"), "utf8");
  const named = new Map(
    [...text.matchAll(/^import (\w+) from ".*\/(\d+_\w+\.sql)";$/gm)].map(([, id, file]) => [id!, file!]),
  );
  const listOf = (list: string): string[] => {
    const [, ids] = new RegExp(`${list} = numbered\\(\\[(.*)\\]\\)`).exec(text)!;
    return ids!.split(", ").map((id) => named.get(id)!);
  };
  return { GRAPH_MIGRATIONS: listOf("GRAPH_MIGRATIONS"), LOG_MIGRATIONS: listOf("LOG_MIGRATIONS") };
}
