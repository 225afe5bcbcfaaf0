// `npm run build:worker`: the Worker as modules in `dist/worker`, what its pages load in `dist/worker-assets`, and a list of what
// is in it by package. Wrangler runs it before `dev` and `deploy`. What is imported dynamically becomes a module of its
// own that the platform does not evaluate before somebody asks for it: the language model of the local text model is one. Its
// data are texts beside it, for modules are compiled at every start, asked for or not.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile, type Plugin } from "esbuild";
import { ASSETS } from "../src/runtime/assets-node.ts";

const root = resolve(import.meta.dirname, "..");

/** Where the modules go, and where the pages' files do. */
export interface WorkerFolders {
  readonly modules: string;
  readonly assets: string;
}

/** A package in the bundle. */
export interface Share {
  readonly name: string;
  readonly bytes: number;
}

/** A module of the bundle, the largest shares first. */
export interface BundledModule {
  readonly file: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly shares: readonly Share[];
}

/** Packages of the local text model, which the platform loads only where something is summarised or analysed. */
const MODEL_DATA_PACKAGE = "wink-eng-lite-web-model";
export const MODEL_PACKAGES = ["wink-nlp", MODEL_DATA_PACKAGE];

/** Whether a module holds the language model. */
export function holdsModel({ shares }: BundledModule): boolean {
  return shares.some(({ name }) => MODEL_PACKAGES.includes(name));
}

/** What is loaded before the language model is. */
export function withoutModel(modules: readonly BundledModule[]): BundledModule[] {
  return modules.filter((module) => !holdsModel(module));
}

const DEFAULT: WorkerFolders = { modules: join(root, "dist/worker"), assets: join(root, "dist/worker-assets") };

/** Builds into folders that are emptied first; answers the modules, that of the entry first. */
export async function buildWorker({ modules, assets }: WorkerFolders = DEFAULT): Promise<BundledModule[]> {
  rmSync(modules, { recursive: true, force: true });
  rmSync(assets, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { worker: "src/runtime/cloudflare.ts" },
    outdir: modules,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".sql": "text" },
    plugins: [modelData(modules)],
    // Ids of stack traces in the platform's logs lead back to the sources.
    sourcemap: "linked",
    sourcesContent: false,
    metafile: true,
    logLevel: "warning",
  });
  const files = join(assets, "docs/assets");
  mkdirSync(files, { recursive: true });
  for (const name of ASSETS)
    copyFileSync(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`)), join(files, name));
  const texts = readdirSync(modules).filter((name) => name.endsWith(".txt"));
  return [
    ...Object.entries(metafile.outputs)
      .filter(([path]) => path.endsWith(".js"))
      .map(([path, { inputs }]) => moduleOf(join(root, path), sharesOf(inputs))),
    ...texts.map((name) => moduleOf(join(modules, name), undefined)),
  ].sort((a, b) => Number(b.file === "worker.js") - Number(a.file === "worker.js") || b.bytes - a.bytes);
}

/** Data of the language model as texts in a folder, which the model's module imports and reads. */
function modelData(folder: string): Plugin {
  const DATA = /wink-eng-lite-web-model.*\.json$/;
  return {
    name: "model-data",
    setup({ onResolve, onLoad }) {
      onLoad({ filter: DATA }, async ({ path }) => {
        const name = `${basename(path, ".json")}.txt`;
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, name), JSON.stringify(JSON.parse(readFileSync(path, "utf8"))));
        return { contents: `module.exports = JSON.parse(require("model-text:${name}").default);` };
      });
      onResolve({ filter: /^model-text:/ }, ({ path }) => ({ path: path.split(":")[1]!, namespace: "model-text" }));
      onLoad({ filter: /.*/, namespace: "model-text" }, ({ path }) => ({
        contents: `import text from "model-file:${path}"; export default text;`,
      }));
      onResolve({ filter: /^model-file:/ }, ({ path }) => ({ path: `./${path.split(":")[1]}`, external: true }));
    },
  };
}

function sharesOf(inputs: Metafile["outputs"][string]["inputs"]): Share[] {
  const shares = new Map<string, number>();
  for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
    const name = packageOf(input);
    shares.set(name, (shares.get(name) ?? 0) + bytesInOutput);
  }
  return [...shares].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}

/** A written module; without shares it is a text of the model's. */
function moduleOf(path: string, shares: readonly Share[] | undefined): BundledModule {
  const text = readFileSync(path);
  const bytes = text.byteLength;
  const own = shares ?? [{ name: MODEL_DATA_PACKAGE, bytes }];
  return { file: basename(path), bytes, gzipBytes: gzipSync(text).byteLength, shares: own };
}

/** The package of a source file; our own are told apart by their rooms. */
function packageOf(path: string): string {
  if (path.startsWith("model-text:")) return MODEL_DATA_PACKAGE;
  const inside = path.split("node_modules/").at(-1)!;
  if (inside === path) return path.split("/").slice(0, 2).join("/").replace(/\.ts$/, "");
  return inside
    .split("/")
    .slice(0, inside.startsWith("@") ? 2 : 1)
    .join("/");
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1).padStart(9)} KiB`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const built = await buildWorker();
  for (const { file, bytes, gzipBytes, shares } of built) {
    console.log(`${kib(bytes)} ${kib(gzipBytes)} gzip  ${file}`);
    for (const share of shares) console.log(`${kib(share.bytes)}${" ".repeat(20)}${share.name}`);
  }
  const total = built.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);
  console.log(`${kib(total)} gzip in all`);
}
