// node test/concurrency/run.ts [--seed S]
// Property 8 of core-proof (c): six processes under kill -9 leave nothing wrong; the control without a lock does.
import { parseArgs } from "node:util";
import { runControl, runScenario, type ScenarioResult } from "./scenario.ts";
import { isClean } from "./verify.ts";

const { values } = parseArgs({ options: { seed: { type: "string", default: String(Date.now() % 100_000) } } });
const seed = Number(values.seed);
console.log(`seed ${seed}`);

const locked = await runScenario({ seed, mode: "locked", kills: 12 });
print("locked", locked);
const naive = await runControl(seed);
print("naive", naive);

if (!isClean(locked.findings)) console.log("FAILS: something was lost, doubled or torn");
const noticed = naive.findings.lostRegisters > 0;
if (!noticed) console.log("BLIND: the control without a lock went unnoticed");
process.exitCode = isClean(locked.findings) && noticed ? 0 : 1;

function print(mode: string, { findings, kills, ms }: ScenarioResult): void {
  const found = Object.entries(findings).map(([name, count]) => `${name} ${count}`);
  console.log(`${mode.padEnd(6)} ${kills} kills, ${ms} ms: ${found.join(", ")}`);
}
