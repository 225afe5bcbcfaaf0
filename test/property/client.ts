// What clients do on a journey: they submit operations, one or several at a time, and try again after a 503.
import type { Answer } from "../../src/app/answer.ts";
import type { Fate } from "../support/memory-broker.ts";
import type { Trip, Way } from "./case.ts";
import type { Fixed } from "./identity.ts";
import type { World } from "./world.ts";

/** An attempt that is still to be made; `retryToken` when an earlier one ended unknown. */
export interface Attempt {
  readonly fixed: Fixed;
  readonly trip: Trip;
  readonly retryToken?: string;
}

/** What clients were told about an operation. */
export interface Told {
  readonly fixed: Fixed;
  readonly answer: Exclude<Answer, { problem: unknown }>;
}

export interface Traveller {
  readonly world: World;
  readonly queue: Attempt[];
  readonly told: Told[];
  /** Operations whose idempotency key was reserved: what the service would mint for a retry does not count. */
  readonly reserved: Set<Fixed>;
}

const FATES: { readonly [W in Exclude<Way, "direct" | "record">]: Fate } = {
  kafka: "ok",
  fallback: "retryable",
  fatal: "fatal",
  unknown: "unknown",
  lost: "lost",
};

/** Makes the next attempt, or the next few that can share a call. */
export async function attempt(traveller: Traveller, n: number): Promise<void> {
  const { queue, world } = traveller;
  const first = queue[0];
  if (first === undefined) return;
  if (first.trip.way === "record") {
    queue.shift();
    world.broker.append(first.fixed.topic, first.trip.partition, first.fixed.record);
    return;
  }
  const together = [];
  while (together.length < n && queue[0] !== undefined && canShare(first, queue[0])) together.push(queue.shift()!);
  await submit(traveller, together);
}

/** One call has one tenant, and in these tests its flows are all on or all off. */
function canShare(a: Attempt, b: Attempt): boolean {
  if (b.trip.way === "record" || a.fixed.plain.tenant !== b.fixed.plain.tenant) return false;
  return (a.trip.way === "direct") === (b.trip.way === "direct");
}

async function submit({ world, queue, told, reserved }: Traveller, attempts: readonly Attempt[]): Promise<void> {
  const { flowsOn, plan } = world;
  const direct = attempts[0]!.trip.way === "direct";
  if (direct) flowsOn.clear();
  for (const { fixed, trip } of attempts) {
    const fate = FATES[trip.way as keyof typeof FATES] ?? "ok";
    plan.trips.set(fixed.plain.id, { fate, partition: trip.partition });
  }
  const minting = attempts.filter(({ retryToken }) => retryToken === undefined);
  world.expectIdentities(minting.map(({ fixed }) => (reserved.has(fixed) ? decoyOf(world) : fixed.plain)));
  for (const { fixed } of minting) if (fixed.key !== undefined) reserved.add(fixed);
  const answers = await world.accept(
    attempts.map(({ fixed: { plain, key }, retryToken }) => {
      const { flow, type, data } = plain;
      return { flow, type, data, key, retryToken };
    }),
    attempts[0]!.fixed.plain.tenant,
  );
  for (const { name } of world.core.flows.flows) flowsOn.add(name);
  plan.trips.clear();
  for (const [i, answer] of answers.entries()) {
    const { fixed, trip } = attempts[i]!;
    if (!("problem" in answer)) told.push({ fixed, answer });
    else queue.push({ fixed, trip, ...retryOf(answer.problem) });
  }
}

/** What a client does with a 503: it tries again, with the token if there is one. */
function retryOf(problem: { code: string; extra: Readonly<Record<string, string>> }): { retryToken?: string } {
  if (problem.code === "nothing_accepted") return {};
  const { retryToken } = problem.extra;
  if (problem.code !== "outcome_unknown" || retryToken === undefined) throw problem;
  return { retryToken };
}

/** An identity that must never be used: the key stands for another (core-proof #24, #25). */
function decoyOf({ core }: World): { id: string; stamp: string } {
  return { id: "0000ffff-ffff-7fff-bfff-ffffffffffff", stamp: core.stamp.formatStamp(10, 0, "d".repeat(16)) };
}
