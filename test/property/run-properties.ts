// Runs properties against the sources of a directory, and says what came of each.
import fc from "fast-check";
import { arbitraryCase, arbitraryTextCase } from "./arbitrary.ts";
import { type Core, loadCore } from "./core.ts";
import { arbitraryDecisionCase } from "./decision-case.ts";
import { decisionsAreRecords } from "./decision-properties.ts";
import {
  ledgerIsNotNeeded,
  logAloneIsEnough,
  projectionsAreCurrent,
  tenantsStandAlone,
  travelEqualsOracle,
  twoTravelsAgree,
} from "./graph-properties.ts";
import { clockIsNotPoisoned, identityNeverChanges, outcomesAreHistory } from "./ledger-properties.ts";
import type { OpenStore } from "./store.ts";
import { wordsAreRecorded } from "./text-properties.ts";

export interface Property {
  readonly number: number;
  readonly name: string;
  readonly run: (core: Core, options: RunOptions) => Promise<Run>;
}

/** What came of a run; `report` is empty when the property holds. */
interface Run {
  readonly numRuns: number;
  readonly report: string;
}

/** A case takes some ten milliseconds; one that waits for something that never comes fails instead of hanging. */
const CASE_MS_MAX = 10_000;

function property<From>(
  number: number,
  name: string,
  cases: fc.Arbitrary<From>,
  check: (core: Core, from: From) => Promise<void>,
): Property {
  const run: Property["run"] = async (core, { runs, seed, shrink }) => {
    let isUnderWay = false;
    const details = await fc.check(
      fc.asyncProperty(cases, async (from) => {
        // A case that hangs is still under way when it would be shrunk, and each attempt would take as long.
        fc.pre(!isUnderWay);
        isUnderWay = true;
        try {
          await check(core, from);
        } finally {
          isUnderWay = false;
        }
      }),
      { numRuns: runs, seed, endOnFailure: !shrink, timeout: CASE_MS_MAX },
    );
    const { numRuns, failed, errorInstance, counterexamplePath, counterexample } = details;
    const found = `${String(errorInstance)}\n  seed ${details.seed}, path ${counterexamplePath}\n  `;
    return { numRuns, report: failed ? found + JSON.stringify(counterexample?.[0]) : "" };
  };
  return { number, name, run };
}

/** Numbered as in core-proof (c); 8 (concurrency) and 9 (mutants) have folders of their own, the others came later. */
export const PROPERTIES: readonly Property[] = [
  property(1, "any journey ends in the oracle's graph", arbitraryCase, travelEqualsOracle),
  property(2, "two journeys end in equal registers", arbitraryCase, twoTravelsAgree),
  property(3, "records applied twice without a ledger change nothing", arbitraryCase, ledgerIsNotNeeded),
  property(4, "the log alone gives the same registers", arbitraryCase, logAloneIsEnough),
  property(5, "outcomes are history and every count closes", arbitraryCase, outcomesAreHistory),
  property(6, "a tenant's graph is that of its own operations", arbitraryCase, tenantsStandAlone),
  property(7, "edges and hidden flags are those of the registers", arbitraryCase, projectionsAreCurrent),
  property(
    10,
    "id and stamp of an operation never change, and only ids of ours are known",
    arbitraryCase,
    identityNeverChanges,
  ),
  property(11, "no stranger moves the clock", arbitraryCase, clockIsNotPoisoned),
  property(12, "what was decided about parked records, a rebuild decides", arbitraryDecisionCase, decisionsAreRecords),
  property(13, "what the outside world said is recorded with its basis", arbitraryTextCase, wordsAreRecorded),
];

export interface RunOptions {
  /** Source directory, with a slash at its end, or what was loaded already. */
  readonly src: URL | Core;
  /** What worlds of a source directory keep their graph in; SQLite in memory unless given. */
  readonly openStore?: OpenStore;
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
  const core = options.src instanceof URL ? await loadCore(options.src, options.openStore) : options.src;
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
  const { numRuns, report } = await property.run(core, options);
  return { property, holds: report === "", runs: numRuns, ms: Math.round(performance.now() - started), report };
}
