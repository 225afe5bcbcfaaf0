// Six processes on one database, some of them killed on the way. Children are always ended, by their own pid.
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Database } from "../../src/ports/database.ts";
import { type Core, loadCore, OWN_SOURCES } from "../property/core.ts";
import { type Mode, type Place, sqlitePlace } from "./place.ts";
import { planOf, RECORDS, randomOf } from "./plan.ts";
import { type Findings, verify } from "./verify.ts";

export interface Scenario {
  readonly seed: number;
  readonly mode: Mode;
  /** How often a process is killed with SIGKILL and another one started. */
  readonly kills: number;
  /** Makes the place where they meet; a SQLite file unless given. */
  readonly makePlace?: (core: Core) => Promise<Place>;
}

export interface ScenarioResult {
  readonly findings: Findings;
  readonly kills: number;
  readonly ms: number;
}

const PROCESSES = 6;
const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));
const POLL_MS = 10;
const DURATION_MS_MAX = 175_000;

export async function runScenario({ seed, mode, kills, makePlace = sqlitePlace }: Scenario): Promise<ScenarioResult> {
  const started = performance.now();
  const core = await loadCore(OWN_SOURCES);
  const place = await makePlace(core);
  const crew = createCrew(place.name, seed, mode);
  try {
    for (let i = 0; i < PROCESSES; i++) crew.hire();
    const killed = await work(place.database, crew, seed, kills);
    const findings = await verify(core, place, planOf(core, seed));
    return { findings, kills: killed, ms: Math.round(performance.now() - started) };
  } finally {
    await crew.dismiss();
    await place.close();
  }
}

/** A race is chance: what one run of the control did not lose, another does. */
const CONTROL_RUNS_MAX = 3;

/** Runs the control until it has lost something; answers the last run. */
export async function runControl(seed: number, makePlace = sqlitePlace): Promise<ScenarioResult> {
  for (let i = 0; ; i++) {
    const result = await runScenario({ seed: seed + i, mode: "naive", kills: 0, makePlace });
    if (result.findings.lostRegisters > 0 || i + 1 >= CONTROL_RUNS_MAX) return result;
  }
}

/** Kills at even distances of progress, and answers how often, once every process has ended by itself. */
async function work(database: Database, crew: Crew, seed: number, kills: number): Promise<number> {
  const random = randomOf(seed + 1);
  const endMs = Date.now() + DURATION_MS_MAX;
  let killed = 0;
  while (crew.size() > 0) {
    if (Date.now() > endMs) throw new Error(`Cannot come to an end within ${DURATION_MS_MAX} ms`);
    const rows = await database.allPositions();
    const progress = rows.reduce((sum, { counts }) => sum + counts.records, 0) / RECORDS;
    if (killed < kills && progress >= (killed + 0.5) / kills) {
      crew.kill(random());
      crew.hire();
      killed += 1;
    }
    await pause(POLL_MS);
  }
  return killed;
}

interface Crew {
  hire(): void;
  /** Kills one of those at work; `which` in [0, 1) chooses. */
  kill(which: number): void;
  size(): number;
  dismiss(): Promise<void>;
}

function createCrew(name: string, seed: number, mode: Scenario["mode"]): Crew {
  const atWork = new Set<ChildProcess>();
  let hired = 0;
  let failure: Error | undefined;
  return {
    hire() {
      hired += 1;
      const args = [WORKER, name, String(seed), String(seed * 100 + hired), mode];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
      atWork.add(child);
      child.on("exit", (code) => {
        atWork.delete(child);
        if (code !== null && code !== 0) failure ??= new Error(`A process ended with code ${code}`);
      });
    },
    kill(which) {
      const child = [...atWork][Math.floor(which * atWork.size)];
      if (child === undefined) return;
      atWork.delete(child);
      child.kill("SIGKILL");
    },
    size() {
      if (failure !== undefined) throw failure;
      return atWork.size;
    },
    async dismiss() {
      const ended = [...atWork].map((child) => new Promise((resolve) => child.once("exit", resolve)));
      for (const child of atWork) child.kill("SIGKILL");
      await Promise.all(ended);
    },
  };
}
