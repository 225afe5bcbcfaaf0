// The package as people get it: packed, and installed in a folder of its own.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** A folder with Tidegate in its node_modules. */
export interface InstalledPackage {
  readonly folder: string;
  /** Paths of the files in the tarball. */
  readonly files: readonly string[];
  readonly manifest: { readonly [member: string]: unknown; readonly dependencies: { readonly [name: string]: string } };
  /** Environment in which `node`, `npm` and `npx` are Node 24's, and no package comes from the network. */
  readonly env: { readonly PATH: string; readonly HOME: string; readonly npm_config_offline: string };
}

/**
 * Packs and installs with the versions of the repository's lock, from npm's cache alone. Where the cache lacks a package
 * the repository's stand in, and it is said.
 */
export function installPackage(into: string): InstalledPackage {
  execFileSync("npm", ["run", "--silent", "package", "--", "--into", into], { cwd: root, stdio: "pipe" });
  const staged = join(into, "package");
  const tarball = join(into, readdirSync(into).find((name) => name.endsWith(".tgz"))!);
  const folder = join(into, "empty");
  mkdirSync(folder);
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
    HOME: process.env.HOME ?? into,
    npm_config_offline: "true",
  };
  const manifest = JSON.parse(readFileSync(join(staged, "package.json"), "utf8"));
  const dependencies = { tidegate: `file:${tarball}` };
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module", dependencies }),
  );
  const lock = { name: "empty", lockfileVersion: 3, requires: true, packages: lockedPackages(manifest, dependencies) };
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  try {
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, env, stdio: "pipe" });
  } catch (error) {
    console.warn(
      `skipped: installing the dependencies of the tarball: npm's cache lacks packages, those of the repository are linked (${error})`,
    );
    link(folder, staged);
  }
  const list = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" });
  return { folder, manifest, env, files: list.trim().split("\n") };
}

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

/** The repository's lock without its toolchain, with addresses: npm finds in its cache what has an address and a hash. */
function lockedPackages(manifest: InstalledPackage["manifest"], dependencies: { readonly tidegate: string }): object {
  const lock: { packages: { [path: string]: Locked } } = JSON.parse(
    readFileSync(join(root, "package-lock.json"), "utf8"),
  );
  const { version, bin } = manifest;
  const registry = execFileSync("npm", ["config", "get", "registry"], { cwd: root, encoding: "utf8" });
  const packages: { [path: string]: object } = {
    "": { name: "empty", dependencies },
    "node_modules/tidegate": {
      version,
      resolved: dependencies.tidegate,
      dependencies: manifest.dependencies,
      bin,
    },
  };
  for (const [path, entry] of Object.entries(lock.packages)) {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    if (path === "" || entry.dev || entry.devOptional || OWN.test(name)) continue;
    const file = `${name.split("/").at(-1)}-${entry.version}.tgz`;
    packages[path] = { ...entry, resolved: new URL(`${name}/-/${file}`, registry.trim().replace(/\/?$/, "/")).href };
  }
  return packages;
}

/** What the repository needs and the package does not. */
const OWN = /^(node-linux-\w+|swagger-ui-dist|@scarf\/scarf)$/;

function link(folder: string, staged: string): void {
  const modules = join(folder, "node_modules");
  rmSync(modules, { recursive: true, force: true });
  mkdirSync(join(modules, ".bin"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  cpSync(staged, join(modules, "tidegate"), { recursive: true });
  symlinkSync("../tidegate/bin/tidegate.js", join(modules, ".bin/tidegate"));
}
