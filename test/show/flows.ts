// Plays one scenario of CHIT-CHAT, over all flows and all operation types, by every route, and shows that all of it ends
// in one graph. `node test/show/flows.ts [FILE] [--conversations N] [--only kafka,direct,fallback,mixed,rebuild] [--keep]`
//
// What the routes have to share is said by the client: it gives every entity's id, sends one batch after the other, and
// waits for rest before each generate, analyze, evaluate and query. Of what models and webhooks said the plain dump then
// holds everything but `basis`, which names versions: see HELD.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { clientTypes } from "../../src/app/intake.ts";
import { flows } from "../../src/flows/index.ts";
import { findChitchat } from "../support/chitchat.ts";
import { killAll } from "../support/tidegate-process.ts";
import { buildScenario } from "./flows-scenario.ts";
import {
  byFallback,
  directly,
  type FlowsShow,
  mixed,
  type Outcome,
  REBUILT,
  type Rebuilt,
  rebuilt,
  viaKafka,
} from "./flows-variants.ts";

const ROUTES = { kafka: viaKafka, direct: directly, fallback: byFallback, mixed } as const;
type Route = keyof typeof ROUTES;

const CONVERSATIONS = 200;

/** Members of what models, webhooks and clients said, as the plain dump has to hold them. */
const HELD = [
  "Summary.summary {model, restsOn, text}",
  "Thought.analysis {entities, model, questions, sentiment, topics}",
  "Evaluation.evaluation {model, reasons, score}",
  "Action.response {body, code, error, status}",
  "Action.completion {error, result, status}",
].join("; ");

const { values, positionals } = parseArgs({
  options: {
    conversations: { type: "string", default: String(CONVERSATIONS) },
    only: { type: "string" },
    keep: { type: "boolean" },
  },
  allowPositionals: true,
});

async function showFlows(): Promise<number> {
  const file = positionals[0] ?? findChitchat("the show");
  if (file === undefined) return 1;
  const names = values.only?.split(",") ?? [...Object.keys(ROUTES), "rebuild"];
  const unknown = names.filter((name) => name !== "rebuild" && !Object.hasOwn(ROUTES, name));
  if (unknown.length > 0) throw new Error(`There is no route ${unknown.join(", ")}`);
  const lacking = names.includes("rebuild") ? REBUILT.filter((name) => !names.includes(name)) : [];
  if (lacking.length > 0) throw new Error(`rebuild needs the log of ${lacking.join(" and ")}`);
  const root = mkdtempSync(join(tmpdir(), "tidegate-flows-"));
  const show: FlowsShow = { file: resolve(file), root, steps: buildScenario(file, Number(values.conversations)) };
  const types = flows.flatMap((flow) => clientTypes(flow).map((type) => `${flow.name} ${type}`));
  const sent = Map.groupBy(
    show.steps.flatMap(({ items }) => items),
    ({ flow, type }) => `${flow} ${type}`,
  );
  const missing = types.filter((type) => !sent.has(type));
  if (missing.length > 0) throw new Error(`The scenario lacks ${missing.join(", ")}: give it more --conversations`);
  const total = [...sent.values()].reduce((sum, { length }) => sum + length, 0);
  print(
    `${total} operations of ${sent.size} types in ${flows.length} flows, from ${values.conversations} conversations`,
  );
  print(row(["", "sha256", "kafka", "direct", "fallback", "log ids", "effects", "calls", "seconds", ""], HEAD));

  const outcomes = new Map<string, Outcome>();
  let failed = 0;
  process.once("SIGINT", () => process.exit(130));
  try {
    for (const name of names) failed += (await play(show, name, outcomes)) ? 0 : 1;
  } finally {
    killAll();
    if (values.keep === true) print(`kept ${root}`);
    else rmSync(root, { recursive: true, force: true });
  }
  print("");
  for (const line of countTable(types, outcomes)) print(line);
  print(`Of what models and webhooks said, the plain dump holds: ${HELD}`);
  print(failed === 0 ? "All hold" : `${failed} of ${names.length} routes failed`);
  return failed === 0 ? 0 : 1;
}

async function play(show: FlowsShow, name: string, outcomes: Map<string, Outcome>): Promise<boolean> {
  let outcome: Rebuilt | Outcome;
  try {
    outcome = await (name === "rebuild" ? rebuilt(show) : ROUTES[name as Route](show));
  } catch (error) {
    print(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    killAll();
    return false;
  }
  const failures = [...outcome.failures];
  const first = outcomes.values().next().value;
  if (first !== undefined && first.sha256 !== outcome.sha256)
    failures.push("not so: the dump is that of the first route");
  if (outcome.accepted !== undefined) {
    outcomes.set(name, outcome);
    if (outcome.held !== HELD) failures.push(`The dump holds other members: ${outcome.held}`);
    if (first !== undefined && first.found !== outcome.found)
      failures.push("not so: queries find what they found first");
  }
  print(row(cells(name, outcome, failures.length === 0), HEAD));
  for (const failure of failures) print(`  ${name}: ${failure}`);
  return failures.length === 0;
}

function cells(name: string, outcome: Outcome | Rebuilt, good: boolean): string[] {
  const { accepted, logIds, effects, calls, seconds, sha256 } = outcome;
  const by = (path: string): string => String(accepted?.filter((one) => one.path === path).length ?? "-");
  return [
    name,
    sha256,
    ...["kafka", "direct", "fallback"].map(by),
    ...[logIds, effects, calls].map((count) => String(count ?? "-")),
    seconds.toFixed(1),
    good ? "ok" : "FAILED",
  ];
}

/** How many operations of each type went which way, route by route. */
function countTable(types: readonly string[], outcomes: ReadonlyMap<string, Outcome>): string[] {
  const widths = [26, ...[...outcomes].map(() => 34)];
  const lines = types.map((type) => {
    const ways = [...outcomes.values()].map(({ accepted }) => {
      const paths = Map.groupBy(
        accepted.filter((one) => `${one.flow} ${one.type}` === type),
        ({ path }) => path,
      );
      return [...paths].map(([path, { length }]) => `${path} ${length}`).join(", ");
    });
    return row([type, ...ways], widths);
  });
  return [row(["", ...outcomes.keys()], widths), ...lines];
}

const HEAD = [10, 66, 8, 8, 10, 9, 9, 8, 9, 6];

function row(texts: readonly string[], widths: readonly number[]): string {
  return texts
    .map((text, i) => text.padEnd(widths[i]!))
    .join("")
    .trimEnd();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await showFlows();
