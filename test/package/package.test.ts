// The tarball, installed in an empty folder on Node 24: the command, the client and its types.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type InstalledPackage, installPackage } from "../support/installed-package.ts";
import { tempFolder } from "../support/temp-folder.ts";

const INSTALL_MS = 240_000;
/** Compiling and starting on a machine that has other things to do. */
const RUN_MS = 180_000;
const folder = tempFolder();
const root = resolve(import.meta.dirname, "../..");
let installed: InstalledPackage;

beforeAll(() => {
  installed = installPackage(folder.root);
}, INSTALL_MS);

afterAll(() => folder[Symbol.dispose]());

/** Starts the command over npx, and waits until it says where it listens. */
async function startByNpx(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = spawn("npx", ["tidegate", "start"], {
    cwd: installed.folder,
    env: { ...installed.env, PORT: "0" },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let said = "";
  const url = await new Promise<string>((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`It did not listen: ${said}`)), 60_000);
    child.once("exit", (code) => failed(new Error(`It ended with ${code}: ${said}`)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const [, address] = /listens on (http\S+)/.exec(said) ?? [];
      if (address === undefined) return;
      clearTimeout(timer);
      found(address);
    });
  });
  return {
    url,
    async stop() {
      const ended = once(child, "exit");
      process.kill(-child.pid!, "SIGTERM");
      await ended;
    },
  };
}

/** Runs a module of the folder; answers what it printed. */
function run(name: string, text: string, args: readonly string[] = []): string {
  writeFileSync(join(installed.folder, name), text);
  return execFileSync("node", [name, ...args], { cwd: installed.folder, env: installed.env, encoding: "utf8" });
}

test("the tarball holds JavaScript, types and schemas, and a manifest without the toolchain", () => {
  const { files, manifest } = installed;
  expect(files).toEqual(
    expect.arrayContaining([
      "package/bin/tidegate.js",
      "package/src/client/index.js",
      "package/src/client/index.d.ts",
      "package/src/adapters/database/migrations/0001_graph_and_ledger.sql",
      "package/src/gateway/migrations/0001_log.sql",
      "package/assets/swagger-ui-dist/swagger-ui-bundle.js",
      "package/LICENSE",
    ]),
  );
  expect(files.filter((name) => /\.ts$/.test(name) && !name.endsWith(".d.ts"))).toEqual([]);
  expect(files.filter((name) => /^package\/(test|node_modules|build)\//.test(name))).toEqual([]);
  for (const member of ["scripts", "devDependencies", "optionalDependencies", "allowScripts", "private"]) {
    expect(manifest).not.toHaveProperty(member);
  }
  const named = files
    .filter((name) => /\.(js|d\.ts)$/.test(name) && /^package\/(src|bin)\//.test(name))
    .filter((name) => {
      const path = join(installed.folder, "node_modules/tidegate", name.slice("package/".length));
      return /"[^" ]*[a-z]\.ts"/.test(readFileSync(path, "utf8"));
    });
  expect(named).toEqual([]);
});

test("npm pack of the repository says that it is not the package", () => {
  const { status, stderr } = spawnSync("npm", ["pack", "--dry-run"], { cwd: root, encoding: "utf8" });
  expect(status).not.toBe(0);
  expect(stderr).toContain("npm run package");
});

test(
  "npx tidegate start serves operations, pages and their assets; the client and the commands talk to it",
  async () => {
    const service = await startByNpx();
    try {
      const page = await fetch(`${service.url}/docs/assets/swagger-ui-bundle.js`);
      expect(page.headers.get("content-type")).toContain("text/javascript");
      expect((await page.text()).length).toBeGreaterThan(100_000);
      const said = run(
        "client.js",
        `import { createClient } from "tidegate/client";
const client = createClient({ url: process.argv[2] });
await client.submit("session", "create", { id: "tides", user: "ada" });
const { id } = await client.submit("chat-messages", "create", { session: "tides", user: "ada", content: "When?" });
for await (const { content } of client.messages("tides", { after: id })) console.log(content, (await client.settled(id)).state);
`,
        [service.url],
      );
      expect(said).toBe("When? applied\n");
      const env = { ...installed.env, TIDEGATE_URL: service.url };
      const checked = execFileSync("npx", ["tidegate", "check", "--json"], {
        cwd: installed.folder,
        env,
        encoding: "utf8",
      });
      expect(JSON.parse(checked)).toMatchObject({ closes: true });
    } finally {
      await service.stop();
    }
  },
  RUN_MS,
);

test(
  "createTidegate serves a flow of one's own from the installed package, whose types know its data",
  () => {
    const notes = readFileSync(join(root, "examples/ninth-flow/notes.ts"), "utf8");
    // What the compiler would leave of it: the file has types in one place.
    writeFileSync(
      join(installed.folder, "notes.js"),
      notes.replace(" as string | undefined", "").replaceAll("} as const;", "};"),
    );
    const said = run(
      "own.js",
      `import { createTidegate, flows } from "tidegate";
import { createClient } from "tidegate/client";
import { notes } from "./notes.js";
const tidegate = await createTidegate({ flows: [...flows, notes], env: { DATA_DIR: "./own-data", LOG_LEVEL: "error" } });
tidegate.consume();
const client = createClient({ url: "http://own", fetch: (url, init) => tidegate.fetch(new Request(url, init)) });
const { id, path } = await client.submit("notes", "create", { id: "moon", user: "ada", text: "Full moon" });
await client.settled(id);
console.log(path, (await client.entity("Note", "moon")).text);
const page = await tidegate.fetch(new Request("http://own/docs/assets/swagger-ui.css"));
console.log(page.status);
await tidegate.close();
`,
    );
    expect(said).toBe("kafka Full moon\n200\n");
    writeFileSync(join(installed.folder, "notes.ts"), notes);
    const program = (text: string): string => `import { createTidegate, flows } from "tidegate";
import { createClient } from "tidegate/client";
import { notes } from "./notes.ts";
const nine = [...flows, notes] as const;
export const tidegate = await createTidegate({ flows: nine });
await createClient<typeof nine>({ url: "http://own" }).submit("notes", "create", { user: "ada", text: ${text} });
`;
    expect(typeCheck(program('"Full moon"'))).toBe("");
    expect(typeCheck(program("1"))).toContain("Type 'number' is not assignable to type 'string'");
  },
  RUN_MS,
);

/** What the compiler says of a program in the folder. */
function typeCheck(text: string): string {
  writeFileSync(join(installed.folder, "typed.ts"), text);
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", ""];
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  try {
    const args = [tsc, ...options, "--allowImportingTsExtensions", "typed.ts"];
    return execFileSync(process.execPath, args, { cwd: installed.folder, encoding: "utf8" });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

test(
  "the client's types come along: data that a flow does not take is no program",
  () => {
    const program = (content: string): string => `import { createClient } from "tidegate/client";
const client = createClient({ url: "http://127.0.0.1:8787" });
export const role: "user" | "assistant" | "system" | "tool" | undefined = (await client.entity("Message", "m")).role;
await client.submit("memory", "create", { user: "ada", content: ${content} });
`;
    expect(typeCheck(program('"the tide turns"'))).toBe("");
    expect(typeCheck(program("1"))).toContain("Type 'number' is not assignable to type 'string'");
  },
  RUN_MS,
);
