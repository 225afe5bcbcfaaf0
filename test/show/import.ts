// Imports CHIT-CHAT over every path, through outages and kills, and shows that all of it ends in one graph: the one that
// a script outside src builds from the data itself. `node test/show/import.ts [FILE] [--only k,d,o,r,c,s] [--seed N] [--keep]`
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildCanonical, type Canonical } from "../canonical/chitchat-canonical.ts";
import { findChitchat } from "../support/chitchat.ts";
import { killAll } from "../support/tidegate-process.ts";
import type { Show } from "./stage.ts";
import {
  directly,
  type Outcome,
  rebuiltFromKafka,
  throughKills,
  throughOutage,
  viaKafka,
  withRoles,
} from "./variants.ts";

const VARIANTS = {
  k: { about: "kafka", play: viaKafka },
  d: { about: "direct", play: directly },
  o: { about: "outage of the gateway", play: throughOutage },
  r: { about: "rebuilt from k's and o's log", play: rebuiltFromKafka },
  c: { about: "killed three times", play: throughKills },
  s: { about: "api and two consumers", play: withRoles },
} as const;

type Name = keyof typeof VARIANTS;

/** Below this many operations an import is over before anything can be stopped in its middle. */
const SMALL_OPERATIONS_MAX = 100_000;

const { values, positionals } = parseArgs({
  options: { only: { type: "string" }, seed: { type: "string" }, keep: { type: "boolean" } },
  allowPositionals: true,
});

async function showImport(): Promise<number> {
  const file = positionals[0] ?? findChitchat("the show");
  if (file === undefined) return 1;
  const names = (values.only?.split(",") ?? Object.keys(VARIANTS)) as Name[];
  const unknown = names.filter((name) => !Object.hasOwn(VARIANTS, name));
  if (unknown.length > 0) throw new Error(`There is no variant ${unknown.join(", ")}`);
  const canonical = buildCanonical(file);
  const show: Show = {
    file: resolve(file),
    canonical,
    root: mkdtempSync(join(tmpdir(), "tidegate-show-")),
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    small: canonical.sessions + canonical.messages < SMALL_OPERATIONS_MAX,
  };
  const { sha256, sessions, messages, users, empty } = canonical;
  print(
    `canonical ${sha256}: ${sessions} sessions, ${messages} messages, ${users} users, ${empty} left out; seed ${show.seed}`,
  );
  print(
    row([
      "",
      "sha256",
      "sessions",
      "messages",
      "users",
      "rejects",
      "kafka",
      "direct",
      "fallback",
      "log ids",
      "check",
      "import",
      "",
    ]),
  );
  let failed = 0;
  process.once("SIGINT", () => process.exit(130));
  try {
    for (const name of names) failed += (await play(show, name)) ? 0 : 1;
  } finally {
    killAll();
    if (values.keep === true) print(`kept ${show.root}`);
    else rmSync(show.root, { recursive: true, force: true });
  }
  print(failed === 0 ? "All hold" : `${failed} of ${names.length} variants failed`);
  return failed === 0 ? 0 : 1;
}

async function play(show: Show, name: Name): Promise<boolean> {
  const { about, play } = VARIANTS[name];
  let outcome: Outcome;
  try {
    outcome = await play(show);
  } catch (error) {
    print(`${name} ${about}: ${error instanceof Error ? error.message : String(error)}`);
    killAll();
    return false;
  }
  const failures = [...outcome.failures, ...differences(outcome, show.canonical)];
  print(row(cells(name, outcome, failures.length === 0)));
  for (const failure of failures) print(`  ${name}: ${failure}`);
  // Only (r) looks at what others have left behind.
  if (values.keep !== true && ["d", "o", "c", "s"].includes(name))
    rmSync(join(show.root, name), { recursive: true, force: true });
  return failures.length === 0;
}

function differences(outcome: Outcome, canonical: Canonical): string[] {
  const found = (["sha256", "sessions", "messages", "users"] as const).filter(
    (name) => outcome[name] !== canonical[name],
  );
  return found.map((name) => `${name} is ${outcome[name]}, but has to be ${canonical[name]}`);
}

function cells(name: Name, outcome: Outcome, good: boolean): string[] {
  const { byPath, accepted, seconds, log, closes, rejects } = outcome;
  const part = (count: number | undefined): string => {
    if (count === undefined || accepted === null) return "-";
    return count === accepted ? "100 %" : count === 0 ? "0 %" : `${((100 * count) / accepted).toFixed(1)} %`;
  };
  return [
    name,
    outcome.sha256.slice(0, 12),
    ...[outcome.sessions, outcome.messages, outcome.users, rejects ?? "-"].map(String),
    ...[byPath?.kafka, byPath?.direct, byPath?.fallback].map(part),
    String(log?.ids.size ?? "-"),
    closes === null ? "-" : closes ? "closes" : "OPEN",
    seconds === null || accepted === null ? "-" : `${seconds.toFixed(1)} s, ${Math.round(accepted / seconds)}/s`,
    good ? "ok" : "FAILED",
  ];
}

const WIDTHS = [2, 13, 9, 9, 6, 8, 8, 8, 9, 8, 7, 16, 6];

function row(texts: readonly string[]): string {
  return texts
    .map((text, i) => text.padEnd(WIDTHS[i]!))
    .join("")
    .trimEnd();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await showImport();
