// Fixes ids and stamps of a case's operations, and hands them to the real intake as if it had minted them.
import type { Draft, Identity, Intake } from "../../src/app/intake.ts";
import type { Operation } from "../../src/domain/operation.ts";
import type { Case, PlainOperation, Seed, Trip } from "./case.ts";
import { type Core, macOf } from "./core.ts";
import { resultOf } from "./results.ts";

/** The wall clock when a journey begins. Stamps 0 to 9 lie far behind it, "far" beyond any clock. */
export const NOW_MS = 1_800_000_000_000;
const FAR_MS = Date.UTC(3000, 0);
/** Ahead of the clock, but within what a stranger's stamp may be. */
const NEAR_MS = NOW_MS + 50_000;

/** An operation of a case as both programs see it: plain for the oracle, whole for the service. */
export interface Fixed {
  readonly plain: PlainOperation;
  readonly operation: Operation;
  readonly record: string;
  readonly topic: string;
  /** An idempotency key that all its attempts carry. */
  readonly key: string | undefined;
  readonly trips: readonly [readonly Trip[], readonly Trip[]];
  /** What the service makes of a request once it is applied. */
  readonly result?: Fixed;
}

/** These operations and the results of those that ask for something. */
export function withResults(fixed: readonly Fixed[]): Fixed[] {
  return fixed.flatMap((one) => (one.result === undefined ? [one] : [one, one.result]));
}

/** Makes the operations of a case; those of one tenant never share an id. */
export function fixCase(core: Core, { seeds }: Pick<Case, "seeds">): Fixed[] {
  const foreignOf = new Map<string, number>();
  const intake = intakeOf(core);
  return seeds.map((seed, index) => {
    const { flow, type, data, tenant, origin, trips, resultTrips } = seed;
    const foreign = origin.startsWith("foreign");
    const count = foreignOf.get(tenant) ?? 0;
    if (foreign) foreignOf.set(tenant, count + 1);
    // Tenants share foreign ids: the ledger must not take one for the other (core-proof #11).
    const id = foreign ? `f/${count}` : mintedId(core, seed, index);
    const ahead = origin === "foreign ahead";
    const plain = { flow, type, data, tenant, id, stamp: stampOf(core, seed), foreign, ahead, derived: false };
    const draft = intake.check({ flow, type, data });
    const operation = intake.operation(draft, plain, tenant, {});
    const key = origin === "keyed" ? `key ${index}` : undefined;
    const { topic } = draft.flow;
    const one = { plain, operation, record: recordOf(core, operation), topic, key, trips };
    const made = ahead ? undefined : resultOf(core, operation);
    if (made === undefined) return one;
    const { type: madeType, data: said, stamp, id: madeId } = made;
    const result = { flow, type: madeType, data: said as PlainOperation["data"], tenant, stamp, id: madeId };
    return {
      ...one,
      result: {
        plain: { ...result, foreign: false, ahead: false, derived: true },
        operation: made,
        record: recordOf(core, made),
        ...{ topic, key: undefined, trips: resultTrips },
      },
    };
  });
}

function recordOf(core: Core, operation: Operation): string {
  return core.operation.encodeRecord(operation, core.intake.operationMs(operation));
}

function mintedId(core: Core, { tenant, idRank }: Seed, index: number): string {
  return core.operationId.mintOperationId(idRank, index.toString(16).padStart(11, "0"), tenant, macOf);
}

function stampOf(core: Core, { time, origin }: Seed): string {
  const node = "0123456789abcdef";
  if (origin === "foreign ahead") return core.stamp.formatStamp(FAR_MS, 0, node);
  if (origin === "foreign near") return core.stamp.formatStamp(NEAR_MS, 0, node);
  // Only our own stamps are honoured whatever the clock says.
  if (time === "far") return core.stamp.formatStamp(origin === "foreign" ? 9 : FAR_MS, 0, node);
  return core.stamp.formatStamp(time, 0, node);
}

function intakeOf(core: Core): Intake {
  const clock = { nowMs: () => NOW_MS };
  const stampClock = core.stamp.createStampClock(clock.nowMs, "0".repeat(16));
  return core.intake.createIntake({
    flows: core.flows.flows,
    clock,
    stampClock,
    entropy: { hex: (digits) => "0".repeat(digits), hash: (text) => text, macs: [macOf] },
  });
}

/** An intake whose next identities are the given ones, in order. */
export function scriptedIntake(intake: Intake): { intake: Intake; expect(identities: readonly Identity[]): void } {
  let coming: Identity[] = [];
  return {
    expect(identities) {
      coming = [...identities];
    },
    intake: {
      ...intake,
      identity(_: Draft, tenant) {
        const identity = coming.shift();
        if (identity === undefined) throw new Error(`Cannot mint for tenant ${tenant}: the case has no identity left`);
        return identity;
      },
    },
  };
}
