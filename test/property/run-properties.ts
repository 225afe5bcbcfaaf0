// Runs properties against the sources of a directory, and says what came of each.
import fc from "fast-check";
import { arbitraryCase } from "./arbitrary.ts";
import type { Case } from "./case.ts";
import { type Core, loadCore } from "./core.ts";
import {
  ledgerIsNotNeeded,
  logAloneIsEnough,
  projectionsAreCurrent,
  tenantsStandAlone,
  travelEqualsOracle,
  twoTravelsAgree,
} from "./graph-properties.ts";
import { clockIsNotPoisoned, identityNeverChanges, outcomesAreHistory } from "./ledger-properties.ts";

export interface Property {
  readonly number: number;
  readonly name: string;
  readonly check: (core: Core, from: Case) => Promise<void>;
}

/** Numbered as in core-proof (c); 8 (concurrency) and 9 (mutants) have folders of their own, the others came later. */
export const PROPERTIES: readonly Property[] = [
  { number: 1, name: "any journey ends in the oracle's graph", check: travelEqualsOracle },
  { number: 2, name: "two journeys end in equal registers", check: twoTravelsAgree },
  { number: 3, name: "records applied twice without a ledger change nothing", check: ledgerIsNotNeeded },
  { number: 4, name: "the log alone gives the same registers", check: logAloneIsEnough },
  { number: 5, name: "outcomes are history and every count closes", check: outcomesAreHistory },
  { number: 6, name: "a tenant's graph is that of its own operations", check: tenantsStandAlone },
  { number: 7, name: "edges and hidden flags are those of the registers", check: projectionsAreCurrent },
  { number: 10, name: "id and stamp of an operation never change", check: identityNeverChanges },
  { number: 11, name: "no stranger moves the clock", check: clockIsNotPoisoned },
];

export interface RunOptions {
  /** Source directory, with a slash at its end. */
  readonly src: URL;
  /** Numbers of the properties, in the order to run them. */
  readonly properties: readonly number[];
  readonly runs: number;
  readonly seed: number;
  /** Whether a failing case is shrunk; a mutant only has to die. */
  readonly shrink: boolean;
  /** Called when a property is done. */
  readonly done?: (outcome: PropertyOutcome) => void;
  /** Ends with the first property that fails. */
  readonly bail?: boolean;
}

export interface PropertyOutcome {
  readonly property: Property;
  readonly holds: boolean;
  /** Cases run; of a property that does not hold, those until the first failure. */
  readonly runs: number;
  readonly ms: number;
  /** What was found, with the smallest case, its seed and path. */
  readonly report: string;
}

export async function runProperties(options: RunOptions): Promise<PropertyOutcome[]> {
  const core = await loadCore(options.src);
  const outcomes: PropertyOutcome[] = [];
  for (const number of options.properties) {
    const property = PROPERTIES.find((candidate) => candidate.number === number);
    if (property === undefined) throw new Error(`Cannot run property ${number}: there is none`);
    const outcome = await runProperty(core, property, options);
    outcomes.push(outcome);
    options.done?.(outcome);
    if (options.bail === true && !outcome.holds) break;
  }
  return outcomes;
}

async function runProperty(core: Core, property: Property, options: RunOptions): Promise<PropertyOutcome> {
  const started = performance.now();
  const details = await fc.check(
    fc.asyncProperty(arbitraryCase, (from) => property.check(core, from)),
    { numRuns: options.runs, seed: options.seed, endOnFailure: !options.shrink },
  );
  const ms = Math.round(performance.now() - started);
  const [smallest] = details.counterexample ?? [];
  const report = details.failed
    ? `${String(details.errorInstance)}\n  seed ${details.seed}, path ${details.counterexamplePath}\n  ${JSON.stringify(smallest)}`
    : "";
  return { property, holds: !details.failed, runs: details.numRuns, ms, report };
}
