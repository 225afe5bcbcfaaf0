// Cases. All chance of a run comes from here, so that a failing case shrinks to the few operations that matter.
import fc from "fast-check";
import { dataArbitraries } from "./arbitrary-data.ts";
import { ACTS, type Case, type Seed, type Step, type Trip, type Way } from "./case.ts";

const WAYS: readonly Way[] = ["kafka", "direct", "fallback", "unknown", "lost", "record", "fatal"];
const OPERATIONS_MAX = 14;
const STEPS_MAX = 24;

/** 10:1: tenants are told apart only by their keys, and most operations still meet. */
const tenant = fc.oneof(
  { weight: 10, arbitrary: fc.constant("a") },
  { weight: 1, arbitrary: fc.constantFrom("b", "a/b") },
);

const time = fc.oneof({ weight: 30, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.constant("far" as const) });

const origin: fc.Arbitrary<Seed["origin"]> = fc.oneof(
  { weight: 12, arbitrary: fc.constant("minted" as const) },
  { weight: 4, arbitrary: fc.constant("keyed" as const) },
  { weight: 2, arbitrary: fc.constant("foreign" as const) },
  { weight: 1, arbitrary: fc.constantFrom("foreign near" as const, "foreign ahead" as const) },
);

const trip: fc.Arbitrary<Trip> = fc.record({
  way: fc.constantFrom(...WAYS),
  partition: fc.nat(1),
  rank: fc.nat(30),
});

/** One attempt, and up to two more. */
const trips = fc.array(trip, { minLength: 1, maxLength: 3, size: "medium" });
/** Of a result mostly none: the service that took the request makes it. */
const resultTrips = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(trip, { minLength: 1, maxLength: 2, size: "medium" }) },
);

const step: fc.Arbitrary<Step> = fc.record({ act: fc.constantFrom(...ACTS), n: fc.integer({ min: 1, max: 6 }) });
const steps = fc.array(step, { maxLength: STEPS_MAX, size: "medium" });

/** Seeds of every flow, those of `favourites` twenty times as often as the others. */
export function seedOf(favourites: readonly string[]): fc.Arbitrary<Seed> {
  const what = fc.oneof(
    ...dataArbitraries.map(({ flow, type, weight, data }) => ({
      weight: favourites.includes(flow) ? weight * 20 : weight,
      arbitrary: data.map((value) => ({ flow, type, data: value })),
    })),
  );
  return fc
    .record({
      what,
      tenant,
      time,
      idRank: fc.nat(15),
      origin,
      trips: fc.tuple(trips, trips),
      resultTrips: fc.tuple(resultTrips, resultTrips),
    })
    .map(({ what: { flow, type, data }, ...rest }) => ({ flow, type, data, ...rest }));
}

function caseOf(favourites: readonly string[]): fc.Arbitrary<Case> {
  return fc.record({
    seeds: fc.array(seedOf(favourites), { minLength: 1, maxLength: OPERATIONS_MAX, size: "medium" }),
    steps: fc.tuple(steps, steps),
    decidesTwice: fc.boolean(),
    patience: fc.constantFrom("waits", "goes on", "slow outside"),
  });
}

const ASKING = ["generate", "analyze", "evaluate"];

/** Texts, and requests for words about them: most of these were made later, and come later, than the texts. */
export const arbitraryTextCase: fc.Arbitrary<Case> = fc
  .oneof(
    { weight: 3, arbitrary: caseOf(["session", "chat-messages", "summarization"]) },
    { weight: 3, arbitrary: caseOf(["session", "chat-messages", "context-analysis"]) },
    { weight: 3, arbitrary: caseOf(["memory", "summarization"]) },
    { weight: 1, arbitrary: caseOf(["action"]) },
    { weight: 1, arbitrary: caseOf([]) },
  )
  .map(({ seeds, ...rest }) => ({
    seeds: seeds.map((seed) => (ASKING.includes(seed.type) ? later(seed) : seed)),
    ...rest,
  }));

function later({ time, trips: [one, other], ...rest }: Seed): Seed {
  const delayed = (trips: readonly Trip[]): Trip[] => trips.map((trip) => ({ ...trip, rank: trip.rank + 12 }));
  return { time: time === "far" ? time : Math.min(9, time + 4), trips: [delayed(one), delayed(other)], ...rest };
}

const FLOWS = [...new Set(dataArbitraries.map(({ flow }) => flow))];

/** Half of the cases favour one flow, and some a chain of kinds through which hiding spreads. */
export const arbitraryCase: fc.Arbitrary<Case> = fc.oneof(
  { weight: 3, arbitrary: caseOf([]) },
  { weight: 1, arbitrary: caseOf(["session", "chat-messages", "memory"]) },
  { weight: 1, arbitrary: caseOf(["session", "chat-messages", "events"]) },
  { weight: 1, arbitrary: caseOf(["session", "chat-messages", "context-analysis"]) },
  { weight: 1, arbitrary: caseOf(["session", "activity", "action"]) },
  ...FLOWS.map((flow) => ({ weight: 1, arbitrary: caseOf([flow]) })),
);
