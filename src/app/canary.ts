// The canary: one operation per flow and minute that changes nothing, and whose arrival is watched. It shows that a flow
// is alive where nobody uses it, and where a broker cannot say how far behind the consumers are.
import { ledgerKey } from "../domain/key.ts";
import { DEFAULT_TENANT } from "../domain/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Accept } from "./accept.ts";
import type { Log } from "./log.ts";

/** The last canary of a flow. */
export interface CanaryFlight {
  /** How long it took to be applied, or has been on its way, in milliseconds. */
  readonly ms: number;
  readonly arrived: boolean;
}

export interface Canary {
  /** Sends one for each flow whose last one has arrived. Never throws. */
  send(): Promise<void>;
  /** Flights by flow. What the database cannot tell stays on its way. Never throws. */
  flights(): Promise<ReadonlyMap<string, CanaryFlight>>;
}

export interface CanaryDeps {
  /** Names of the flows whose Kafka is on; direct operations have nothing to arrive by. */
  readonly flowsOn: ReadonlySet<string>;
  readonly accept: Accept;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

interface Sent {
  readonly id: string;
  readonly atMs: number;
  arrivedMs?: number;
}

export function createCanary({ flowsOn, accept, database, clock, log }: CanaryDeps): Canary {
  const sent = new Map<string, Sent>();
  const look = async (): Promise<void> => {
    const waiting = [...sent.values()].filter(({ arrivedMs }) => arrivedMs === undefined);
    if (waiting.length === 0) return;
    const rows = await database.ledgerRows(waiting.map(({ id }) => ledgerKey(DEFAULT_TENANT, id)));
    for (const one of waiting) {
      const row = rows.get(ledgerKey(DEFAULT_TENANT, one.id));
      if (row !== undefined) one.arrivedMs = row.atMs;
    }
  };
  const lookQuietly = (): Promise<void> => look().catch((error) => log.tickFailed("look for the canary", error));
  return {
    async send() {
      await lookQuietly();
      // One that is still on its way keeps its age: another one would hide it.
      const flows = [...flowsOn].filter((flow) => {
        const last = sent.get(flow);
        return last === undefined || last.arrivedMs !== undefined;
      });
      const atMs = clock.nowMs();
      const submissions = flows.map((flow) => ({ flow, type: "canary", data: {}, internal: true as const }));
      for (const [i, answer] of (await accept(submissions, DEFAULT_TENANT)).entries()) {
        if ("problem" in answer) log.tickFailed(`send the canary of ${flows[i]}`, answer.problem);
        else sent.set(flows[i]!, { id: answer.id, atMs });
      }
    },
    async flights() {
      await lookQuietly();
      const nowMs = clock.nowMs();
      return new Map(
        [...sent].map(([flow, { atMs, arrivedMs }]) => {
          const ms = Math.max(0, (arrivedMs ?? nowMs) - atMs);
          return [flow, { ms, arrived: arrivedMs !== undefined }];
        }),
      );
    },
  };
}
