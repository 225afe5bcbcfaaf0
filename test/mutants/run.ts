// node test/mutants/run.ts [--runs N] [--seed S] [--only "#2"]
// Breaks one rule at a time in a copy of the sources and runs the properties against it, two copies at once. Prints
// which property noticed, and after how many cases; exit code 1 unless every mutant dies.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PROPERTIES, type PropertyOutcome } from "../property/run-properties.ts";
import { type Mutant, mutants } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);
const RUNNER = fileURLToPath(new URL("test/property/run.ts", ROOT));
/** Ignored by git, and inside the repository so that packages resolve. */
const COPIES = new URL(".mutants/", ROOT);
const AT_ONCE = 2;
/** Enough for every property to hold. A mutant that takes longer was not noticed. */
const TIMEOUT_MS = 300_000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const { seed } = values;

const chosen = mutants.filter(({ rule }) => values.only === undefined || rule === values.only);
console.log(`seed ${seed}, up to ${values.runs} cases for each property\n`);
const started = performance.now();
const waiting = chosen.map((mutant, index) => ({ mutant, folder: new URL(`${index}/`, COPIES) }));
const alive: Mutant[] = [];
rmSync(COPIES, { recursive: true, force: true });
await Promise.all(Array.from({ length: AT_ONCE }, worker));
rmSync(COPIES, { recursive: true, force: true });
console.log(`\n${chosen.length - alive.length} of ${chosen.length} died, ${seconds(started)} s`);
for (const { rule, name } of alive) console.log(`LIVES ${rule} ${name}`);
process.exitCode = alive.length === 0 ? 0 : 1;

async function worker(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { mutant, folder } = next;
    const src = copyWith(mutant, folder);
    const begun = performance.now();
    const killer = await killerOf(mutant, src);
    if (killer === null) alive.push(mutant);
    const fate = killer === null ? "LIVES" : `dies by ${killer.padEnd(22)}`;
    console.log(`${mutant.rule.padEnd(4)} ${fate} ${seconds(begun).padStart(5)} s  ${mutant.name}`);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A copy of `src/` with the replacement made. */
function copyWith({ rule, name, file, find, replace }: Mutant, folder: URL): URL {
  const src = new URL("src/", folder);
  mkdirSync(src, { recursive: true });
  cpSync(new URL("src/", ROOT), src, { recursive: true });
  const text = readFileSync(new URL(file, src), "utf8");
  const found = text.split(find).length - 1;
  if (found !== 1) {
    throw new Error(`Cannot make mutant ${rule} "${name}": its text stands ${found} times in src/${file}: ${find}`);
  }
  writeFileSync(
    new URL(file, src),
    text.replace(find, () => replace),
  );
  return src;
}

/** The property that noticed, with the number of cases it took; null when none did. */
async function killerOf(mutant: Mutant, src: URL): Promise<string | null> {
  const others = PROPERTIES.map(({ number }) => number).filter((number) => number !== mutant.property);
  const args = ["--src", fileURLToPath(src), "--runs", values.runs, "--seed", seed];
  const order = ["--only", [mutant.property, ...others].join(",")];
  const stdout = await run([...args, ...order, "--bail", "--no-shrink", "--json"]);
  if (stdout === null) return null;
  // A mutant that cannot even be loaded says nothing about the properties.
  if (stdout === "") throw new Error(`Cannot judge mutant ${mutant.rule} "${mutant.name}": it did not run`);
  const outcomes = JSON.parse(stdout) as PropertyOutcome[];
  const killer = outcomes.find(({ holds }) => !holds);
  return killer === undefined ? null : `${killer.property.number} in ${killer.runs} runs`;
}

/** What the runner printed; null when it did not end in time. */
function run(args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 64 * 1_048_576 };
    execFile(process.execPath, [RUNNER, ...args], options, (error, stdout, stderr) => {
      if (stdout === "") console.error(stderr);
      resolve(error?.killed ? null : stdout);
    });
  });
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1_000).toFixed(1);
}
