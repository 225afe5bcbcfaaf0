// Deno and Bun, from this folder's own lock file: installed when they are first needed.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const HERE = import.meta.dirname;
const MODULES = join(HERE, "node_modules");

/** The programs themselves: the packages' commands are wrappers that pass no signal on. */
export const DENO = join(MODULES, "deno", "deno");
export const BUN = join(MODULES, "bun", "bin", "bun.exe");

/** Installs what is missing. */
export function install(): void {
  if (!existsSync(join(MODULES, "bun"))) execFileSync("npm", ["ci"], { cwd: HERE, stdio: "inherit" });
  // The wrapper puts the program in its place the first time.
  if (!existsSync(DENO)) execFileSync(join(MODULES, ".bin", "deno"), ["--version"], { stdio: "ignore" });
}
