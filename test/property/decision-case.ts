// Cases of records that have to be set aside, and of what people decide about them.
import fc from "fast-check";
import { seedOf } from "./arbitrary.ts";
import type { Seed } from "./case.ts";

/** What keeps a record from being taken: its schema's version, a member too many, or it is cut off. */
export type Poison = "none" | "version" | "member" | "cut off";

export interface PoisonedSeed {
  readonly seed: Seed;
  readonly poison: Poison;
}

/** `edit` makes the record whole; `other edit` makes another operation of it. */
export type Verdict = "replay" | "discard" | "edit" | "other edit";

/** What happens next; `n` chooses a record or sizes a tick. */
export interface DecisionStep {
  readonly act: "record" | "again" | "decide" | "tick" | "crashed tick" | "cut off tick" | "two ticks" | "later";
  readonly n: number;
  readonly verdict: Verdict;
  readonly fate: "ok" | "retryable" | "unknown" | "lost";
  readonly partition: number;
}

export interface DecisionCase {
  readonly seeds: readonly PoisonedSeed[];
  readonly steps: readonly DecisionStep[];
  readonly decidesTwice: boolean;
  readonly reversed: boolean;
}

const SEEDS_MAX = 6;
const STEPS_MAX = 40;

const poison = fc.constantFrom<Poison>("none", "version", "version", "member", "cut off");

/** Operations of ours: what a stranger's broken record may do once it is edited is its own affair. */
const seed = seedOf(["session", "chat-messages"]).map((one): Seed => ({ ...one, origin: "minted" }));

const step: fc.Arbitrary<DecisionStep> = fc.record({
  act: fc.constantFrom<DecisionStep["act"]>(
    ...(["record", "record", "again", "decide", "decide", "decide", "decide", "tick", "tick", "tick"] as const),
    ...(["crashed tick", "cut off tick", "two ticks", "later"] as const),
  ),
  n: fc.nat(7),
  verdict: fc.constantFrom<Verdict>("replay", "discard", "edit", "edit", "other edit"),
  fate: fc.constantFrom("ok", "ok", "retryable", "unknown", "lost"),
  partition: fc.nat(1),
});

export const arbitraryDecisionCase: fc.Arbitrary<DecisionCase> = fc.record({
  seeds: fc.array(fc.record({ seed, poison }), { minLength: 1, maxLength: SEEDS_MAX, size: "medium" }),
  steps: fc.array(step, { minLength: 4, maxLength: STEPS_MAX, size: "medium" }),
  decidesTwice: fc.boolean(),
  reversed: fc.boolean(),
});
