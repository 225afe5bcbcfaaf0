// What any database says of itself: what waits in it, and its clock.
import type { Database } from "../../ports/database.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

export const NOT_COMPARED = ok("clock", "there is no other clock to compare with yet");

/** How far the clocks may be apart before it is worth a word; the service refuses to work at 30 s. */
const SKEW_MS_WORTH_A_WORD = 2_000;

/** What a database says of itself; closes it. */
export async function askDatabase(name: string, database: Database): Promise<Finding[]> {
  try {
    const beforeMs = Date.now();
    const theirsMs = await database.nowMs();
    const skewMs = Math.round((beforeMs + Date.now()) / 2 - theirsMs);
    const { outbox, fatal, parked, sweeps } = await database.backlog();
    const held = `${name} answers: outbox ${outbox}, parked ${parked}, sweeps ${sweeps}`;
    return [backlogFinding(held, fatal, parked), await clockFinding(skewMs)];
  } finally {
    await database.close();
  }
}

function backlogFinding(held: string, fatal: readonly string[], parked: number): Finding {
  if (fatal.length > 0) {
    return fail("database", `${held}; records that Kafka will never take: ${fatal.join(", ")}`, "mend the topic");
  }
  const advice = 'see "tidegate operations --parked", then replay or discard';
  return parked > 0 ? warn("database", held, advice) : ok("database", held);
}

async function clockFinding(skewMs: number): Promise<Finding> {
  const { CLOCK_SKEW_MS_MAX } = await import("../../app/vitals.ts");
  const found = `this clock is ${skewMs} ms from the database's`;
  const advice = "set the clocks, best by NTP";
  if (Math.abs(skewMs) > CLOCK_SKEW_MS_MAX) return fail("clock", `${found}: no operation is accepted`, advice);
  return Math.abs(skewMs) > SKEW_MS_WORTH_A_WORD ? warn("clock", found, advice) : ok("clock", found);
}
