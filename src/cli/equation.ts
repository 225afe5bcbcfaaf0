// The accounting as `tidegate check` judges and prints it: what clients hold against what the service accounts for.
import type { Check, FlowCheck, PartitionCheck } from "../app/check.ts";

/** What one flow's accepted ids turned out to be; `ids` are distinct. */
export interface Held {
  readonly ids: number;
  /** Ids that the service never gave out, or has lost. */
  readonly unknown: number;
  readonly parked: number;
  /** Ids without an outcome, looked up after the check was read: no more than the check found pending, or some are lost. */
  readonly pending: number;
}

/** One flow's equation. */
export interface FlowVerdict extends Omit<FlowCheck, "byPath"> {
  /** Distinct ids in the files; without files what the service itself accounts for. */
  readonly accepted: number;
  readonly unknown: number;
  /** Parked records that are no accepted operation: poison, foreign or unfit. */
  readonly parkedOthers: number;
  /** Accounted for beyond `accepted` and `parkedOthers`; negative when operations are missing. */
  readonly beyond: number;
  /** Ids in the files without an outcome; more than `pending` are lost. */
  readonly unsettled: number;
  readonly byPath: FlowCheck["byPath"];
  readonly closes: boolean;
}

export interface Verdict {
  readonly closes: boolean;
  readonly atRest: boolean;
  readonly outbox: number;
  readonly retries: number;
  readonly sweeps: number;
  readonly flows: { readonly [flow: string]: FlowVerdict };
  /** Partitions whose records do not all have a place. */
  readonly open: readonly PartitionCheck[];
}

const NOTHING: FlowCheck = {
  accounted: 0,
  applied: 0,
  superseded: 0,
  parked: 0,
  discarded: 0,
  pending: 0,
  byPath: { kafka: 0, direct: 0, fallback: 0 },
  foreign: 0,
  waiting: 0,
  derived: 0,
};

/**
 * Judges a check. With `held`, every id must be known, have its outcome or be among what is pending, and each flow must
 * account for exactly the accepted operations;
 * `partial` says that clients hold more than these files, so that a surplus is no fault.
 */
export function judge(check: Check, held: ReadonlyMap<string, Held> | undefined, partial: boolean): Verdict {
  const names = new Set([...Object.keys(check.flows), ...(held?.keys() ?? [])]);
  const flows = Object.fromEntries(
    [...names].map((name) => {
      const flow = check.flows[name] ?? NOTHING;
      return [name, held === undefined ? judgeAlone(flow) : judgeHeld(flow, held.get(name), partial)];
    }),
  );
  return {
    closes: check.closed && Object.values(flows).every(({ closes }) => closes),
    atRest: check.atRest,
    outbox: check.outbox,
    retries: check.retries,
    sweeps: check.sweeps,
    flows,
    open: check.partitions.filter(({ closed }) => !closed),
  };
}

const NONE_HELD: Held = { ids: 0, unknown: 0, parked: 0, pending: 0 };

function judgeAlone(flow: FlowCheck): FlowVerdict {
  const none = { unknown: 0, parkedOthers: 0, beyond: 0, unsettled: 0 };
  return { ...flow, ...none, accepted: flow.accounted, closes: flow.pending !== null };
}

function judgeHeld(flow: FlowCheck, held: Held = NONE_HELD, partial: boolean): FlowVerdict {
  const { ids: accepted, unknown, pending: unsettled } = held;
  const parkedOthers = flow.parked - held.parked;
  const beyond = flow.accounted - parkedOthers - accepted;
  // What others sent makes up for a lost operation in the sum, and not here.
  const noneLost = flow.pending !== null && unknown === 0 && unsettled <= flow.pending;
  const closes = noneLost && (partial ? beyond >= 0 : beyond === 0);
  return { ...flow, accepted, unknown, parkedOthers, beyond, unsettled, closes };
}

/** The verdict as a person reads it. */
export function formatVerdict(verdict: Verdict): string {
  const flows = Object.entries(verdict.flows).filter(([, flow]) => flow.accepted + flow.accounted + flow.foreign > 0);
  const width = Math.max(0, ...flows.map(([name]) => name.length));
  const lines = flows.flatMap(([name, flow]) => flowLines(name.padEnd(width), flow));
  if (flows.length === 0) lines.push("Nothing was accepted yet");
  for (const partition of verdict.open) lines.push(partitionLine(partition));
  if (!verdict.atRest) {
    const { outbox, retries, sweeps } = verdict;
    lines.push(
      `Not at rest: ${outbox} in the outbox, ${retries} with work to do, ${sweeps} sweeps; the numbers move until it is`,
    );
  }
  lines.push(verdict.closes ? "Everything closes" : "It does not close");
  return lines.join("\n");
}

function flowLines(name: string, flow: FlowVerdict): string[] {
  const { accepted, applied, superseded, parked, discarded, pending, foreign, derived } = flow;
  const { parkedOthers, beyond, unknown, unsettled } = flow;
  const terms = [
    `applied ${applied}`,
    `superseded ${superseded}`,
    `parked ${parked - parkedOthers}`,
    `discarded ${discarded}`,
    `pending ${pending ?? "unknown"}`,
  ];
  // They are among the applied and the superseded, and no client holds their ids.
  const others = [
    ...(foreign > 0 ? [` - foreign ${foreign}`] : []),
    ...(derived > 0 ? [` - own ${derived}`] : []),
    ...(flow.closes && beyond > 0 ? [` - beyond ${beyond}`] : []),
  ].join("");
  const lines = [`${name}  accepted ${accepted} ${flow.closes ? "=" : "≠"} ${terms.join(" + ")}${others}`];
  const term = (text: string): number => lines.push(`${" ".repeat(name.length)}  ${text}`);
  if (foreign > 0) term(`foreign: ${foreign} operations came in records of foreign producers`);
  if (derived > 0) term(`own: ${derived} operations of the service itself: results, decisions, canaries`);
  if (parkedOthers > 0) term(`beside it: ${parkedOthers} parked records that no client sent, or that no file names`);
  if (beyond > 0) term(`beside it: ${beyond} operations beyond the files: sent by others, or their answers were lost`);
  if (beyond < 0) term(`missing: ${-beyond} accepted operations have no place`);
  if (unknown > 0) term(`unknown: ${unknown} ids that this service does not know`);
  if (pending !== null && unsettled > pending) {
    term(`lost: ${unsettled} ids of the files have no outcome, and no more than ${pending} operations are pending`);
  }
  if (pending === null) term("pending is unknown: the broker does not answer");
  return lines;
}

function partitionLine({ topic, partition, position, end, counts }: PartitionCheck): string {
  const { records, first, duplicate, parked, gap } = counts;
  const where = `${topic}/${partition} at ${position} of ${end ?? "unknown"}`;
  return `${where}: records ${records} ≠ first ${first} + duplicate ${duplicate} + parked ${parked} + gap ${gap}`;
}
