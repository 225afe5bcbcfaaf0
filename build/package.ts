// `npm run package`: the package as people install it, staged in `dist/package` and packed beside it. JavaScript and types instead
// of the sources (Node refuses TypeScript under node_modules), and a manifest without the toolchain.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ASSETS } from "../src/runtime/assets-node.ts";

const root = resolve(import.meta.dirname, "..");

/** What of the repository goes along as it is. */
const COPIED = ["README.md", "CHANGELOG.md", "LICENSE", ".env.example", "docs"];

/** Members of the manifest that people who install the package need; the rest is the repository's own. */
const MEMBERS = ["name", "version", "description", "license", "keywords", "type", "bin", "dependencies"] as const;

/** Its files come along instead: to be installed it asks to run a script that reports on whoever installs it. */
const ASSET_PACKAGE = "swagger-ui-dist";
const ASSET_LICENSES = ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"];

/** An entry point: the source, and what it is in the package. */
type Exports = { readonly [path: string]: string };

interface Manifest {
  readonly exports: Exports;
  readonly dependencies: { readonly [name: string]: string };
  readonly [member: string]: unknown;
}

/** Stages the package in a folder, which is emptied first. */
export function stage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.build.json"), "--outDir", folder],
    { stdio: "inherit" },
  );
  for (const name of [...COPIED, "bin"]) cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of filesIn(join(root, "src")).filter((file) => file.endsWith(".sql"))) {
    cpSync(join(root, "src", name), join(folder, "src", name));
  }
  const assets = join(folder, "assets", ASSET_PACKAGE);
  const installed = dirname(fileURLToPath(import.meta.resolve(`${ASSET_PACKAGE}/package.json`)));
  for (const name of [...ASSETS, ...ASSET_LICENSES]) cpSync(join(installed, name), join(assets, name));
  for (const name of filesIn(folder)) if (/^(src|bin)\/.*\.(js|d\.ts)$/.test(name)) nameEmitted(join(folder, name));
  const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published(manifest), null, 2)}\n`);
}

/** The manifest as it is published. */
function published(manifest: Manifest): object {
  const { [ASSET_PACKAGE]: _, ...dependencies } = manifest.dependencies;
  return {
    ...Object.fromEntries(MEMBERS.map((name) => [name, manifest[name]])),
    engines: { node: ">=24" },
    exports: {
      ...Object.fromEntries(Object.entries(manifest.exports).map(([path, source]) => [path, entryOf(source)])),
      "./package.json": "./package.json",
    },
    dependencies,
  };
}

function entryOf(source: string): object {
  return { types: source.replace(/\.ts$/, ".d.ts"), default: source.replace(/\.ts$/, ".js") };
}

/** What the compiler leaves alone: names of sources in types, of threads, and in the command. */
function nameEmitted(path: string): void {
  const text = readFileSync(path, "utf8");
  const named = text.replace(/"([\w./-]+)\.ts"/g, (whole, name: string) =>
    existsSync(join(dirname(path), `${name}.js`)) || existsSync(join(dirname(path), `${name}.d.ts`))
      ? `"${name}.js"`
      : whole,
  );
  if (named !== text) writeFileSync(path, named);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** What `npm pack` says of a tarball. */
export interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

/** Packs a staged package into a folder. */
export function pack(staged: string, into: string): Packed {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", into];
  const text = execFileSync("npm", args, { cwd: staged, encoding: "utf8" });
  return (JSON.parse(text) as Packed[])[0]!;
}

if (import.meta.main) {
  const { into } = parseArgs({ options: { into: { type: "string", default: join(root, "dist") } } }).values;
  const staged = join(resolve(into), "package");
  stage(staged);
  const { filename, size, unpackedSize, entryCount } = pack(staged, resolve(into));
  const kib = (bytes: number): string => `${Math.round(bytes / 1_024)} KiB`;
  console.log(`${join(resolve(into), filename)}: ${kib(size)}, ${kib(unpackedSize)} unpacked, ${entryCount} files`);
}
