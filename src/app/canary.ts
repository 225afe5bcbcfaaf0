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
  /** Sends one for each flow whose last one has arrived, or is late. Never throws. */
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
  /** After so long another one is sent beside it: it may be lost with its log. */
  readonly lateMs: number;
}

interface Sent {
  readonly id: string;
  /** Its partition key: one that is sent beside it goes the same way, and cannot overtake it. */
  readonly partitionkey: string;
  readonly atMs: number;
  arrivedMs?: number;
  /** One that was sent beside it; once that has arrived it stands in its place. */
  second?: Sent;
}

export function createCanary({ flowsOn, accept, database, clock, log, lateMs }: CanaryDeps): Canary {
  const sent = new Map<string, Sent>();
  const look = async (): Promise<void> => {
    const waiting = [...sent.values()]
      .flatMap((one) => (one.second === undefined ? [one] : [one, one.second]))
      .filter(({ arrivedMs }) => arrivedMs === undefined);
    if (waiting.length === 0) return;
    const rows = await database.ledgerRows(waiting.map(({ id }) => ledgerKey(DEFAULT_TENANT, id)));
    for (const one of waiting) {
      const row = rows.get(ledgerKey(DEFAULT_TENANT, one.id));
      if (row !== undefined) one.arrivedMs = row.atMs;
    }
    for (const [flow, { id, arrivedMs, second }] of sent) {
      if (arrivedMs !== undefined || second?.arrivedMs === undefined) continue;
      log.tickFailed(`find the canary of ${flow}`, new Error(`${id} is lost: one that was sent later has arrived`));
      sent.set(flow, second);
    }
  };
  const lookQuietly = (): Promise<void> => look().catch((error) => log.tickFailed("look for the canary", error));
  const keyOf = (flow: string, atMs: number): string => {
    const last = sent.get(flow);
    return last === undefined || last.arrivedMs !== undefined ? String(atMs) : last.partitionkey;
  };
  const launch = (flow: string, one: Sent): void => {
    const last = sent.get(flow);
    if (last === undefined || last.arrivedMs !== undefined) sent.set(flow, one);
    else last.second = one;
  };
  return {
    async send() {
      await lookQuietly();
      const atMs = clock.nowMs();
      // One that is still on its way keeps its age: another one in its place would hide it.
      const isDue = ({ arrivedMs, second, atMs: sentMs }: Sent): boolean =>
        arrivedMs !== undefined || atMs - (second?.atMs ?? sentMs) > lateMs;
      const flows = [...flowsOn].filter((flow) => !sent.has(flow) || isDue(sent.get(flow)!));
      const submissions = flows.map((flow) => ({
        flow,
        type: "canary",
        data: {},
        internal: true as const,
        partitionkey: keyOf(flow, atMs),
      }));
      for (const [i, answer] of (await accept(submissions, DEFAULT_TENANT)).entries()) {
        if ("problem" in answer) log.tickFailed(`send the canary of ${flows[i]}`, answer.problem);
        else launch(flows[i]!, { id: answer.id, partitionkey: submissions[i]!.partitionkey, atMs });
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
