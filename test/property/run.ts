// node test/property/run.ts [--runs N] [--seed S] [--src DIR] [--only 1,4] [--jobs N] [--bail] [--no-shrink] [--json]
// Prints the seed and one line a property; exit code 1 when one does not hold.
import { execFile } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { OWN_SOURCES } from "./core.ts";
import { PROPERTIES, type PropertyOutcome, runProperties } from "./run-properties.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 0x7fff_ffff) },
    src: { type: "string", default: fileURLToPath(OWN_SOURCES) },
    only: { type: "string", default: PROPERTIES.map(({ number }) => number).join() },
    /** Processes that share the properties out; default 1, and 2 for long runs, which one process has no memory for. */
    jobs: { type: "string" },
    bail: { type: "boolean", default: false },
    "no-shrink": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** Runs of every property that one process does. */
const ALONE_RUNS_MAX = 5_000;

const properties = values.only.split(",").map(Number);
// One property is never handed on: its process is the one that has it to itself.
const jobs = Math.min(properties.length, Number(values.jobs ?? (Number(values.runs) > ALONE_RUNS_MAX ? 2 : 1)));
const done = values.json ? () => {} : print;
if (!values.json) console.log(`seed ${values.seed}`);
const outcomes = jobs > 1 ? await runInChildren(jobs) : await runHere();
if (values.json) console.log(JSON.stringify(outcomes));
process.exitCode = outcomes.every(({ holds }) => holds) ? 0 : 1;

function runHere(): Promise<PropertyOutcome[]> {
  return runProperties({
    src: pathToFileURL(`${values.src.replace(/\/$/, "")}/`),
    properties,
    runs: Number(values.runs),
    seed: Number(values.seed),
    shrink: !values["no-shrink"],
    bail: values.bail,
    done,
  });
}

/** Each child takes the next property until none is left. */
async function runInChildren(jobs: number): Promise<PropertyOutcome[]> {
  const waiting = [...properties];
  const all: PropertyOutcome[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const own = ["--runs", values.runs, "--seed", values.seed, "--src", values.src, "--only", String(next), "--json"];
      const outcome = await runChild(values["no-shrink"] ? [...own, "--no-shrink"] : own);
      all.push(outcome);
      done(outcome);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return all;
}

function runChild(args: readonly string[]): Promise<PropertyOutcome> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [fileURLToPath(import.meta.url), ...args], (error, stdout) => {
      if (stdout === "") reject(error);
      else resolve((JSON.parse(stdout) as [PropertyOutcome])[0]);
    });
  });
}

function print({ property: { number, name }, holds, runs, ms, report }: PropertyOutcome): void {
  console.log(`${String(number).padStart(2)} ${holds ? "holds" : "FAILS"}  ${runs} runs, ${ms} ms: ${name}`);
  if (report !== "") console.log(report);
}
