// From what a client sent to an operation: checks everything that can be checked without the database, and fixes id
// and stamp, once.
import type * as z from "zod";
import { AppError, type InputFault } from "../domain/errors.ts";
import { findUnstorable, type Json, pointerPart } from "../domain/json.ts";
import { entityKey } from "../domain/key.ts";
import { hashText, type Operation } from "../domain/operation.ts";
import { isMinted, mintOperationId } from "../domain/operation-id.ts";
import { isAhead, isStamp, type StampClock, stampMs } from "../domain/stamp.ts";
import { type Data, type Flow, kindOfType, type OperationType, withEntityId } from "../flows/define.ts";
import { PARTITION_KEY_CHARACTERS_MAX } from "../flows/partition.ts";
import type { Clock, Entropy } from "../ports/clock.ts";
import { NO_KIND } from "./decision.ts";
import { findType } from "./engine.ts";
import type { TraceContext } from "./tracing.ts";

/** One operation as a client asks for it. */
export interface Submission {
  readonly flow: string;
  readonly type: string;
  readonly data: unknown;
  /** Idempotency key. */
  readonly key?: string | undefined;
  /** A stamp this operation must come after. */
  readonly after?: string | undefined;
  /** Token of an earlier answer `outcome_unknown`. */
  readonly retryToken?: string | undefined;
  /** The partition key asked for; it counts where the flow is partitioned by request. */
  readonly partitionkey?: string | undefined;
  /** Made by the service itself, never by a request. */
  readonly internal?: true;
}

/** A checked submission. */
export interface Draft {
  readonly flow: Flow;
  readonly type: OperationType;
  readonly typeName: string;
  readonly data: Data;
  readonly key: string | undefined;
  readonly after: string | undefined;
  readonly retryToken: string | undefined;
  readonly partitionkey: string | undefined;
}

export interface Identity {
  readonly id: string;
  readonly stamp: string;
}

export interface IntakeDeps {
  readonly flows: readonly Flow[];
  readonly clock: Clock;
  readonly stampClock: StampClock;
  readonly entropy: Entropy;
}

export interface Intake {
  /** Checks a submission; throws AppError `invalid_input`, `not_found` or `stamp_ahead`. */
  check(submission: Submission): Draft;
  /** A new id and stamp. */
  identity(draft: Draft, tenant: string): Identity;
  /** The operation, with a minted entity id where the client gave none. */
  operation(draft: Draft, identity: Identity, tenant: string, trace: TraceContext): Operation;
  /** Hash of what the client sent: two submissions under one key must have the same. */
  bodyHash(draft: Draft): string;
  /** A token that fixes id and stamp for a retry of this very body. */
  retryToken(draft: Draft, identity: Identity, tenant: string): string;
  /** The identity of a token; throws AppError `invalid_input` when it is not ours or belongs to another body. */
  readToken(draft: Draft, tenant: string): Identity;
}

const KEY_CHARACTERS_MAX = 200;
const TOKEN = /^([0-9a-f-]{36})\.([0-9a-f-]{34})\.([0-9a-f]{32})$/;

/** The `changes` key of an operation's entity, and its id as clients know it. */
export function entityOf(
  flow: Flow,
  type: OperationType,
  { id: operationId, tenant, data }: Operation,
): { kind: string; id: string; key: string } {
  const kind = kindOfType(flow, type)?.name ?? NO_KIND;
  const id = kind === NO_KIND ? operationId : flow.entityId(data)!;
  return { kind, id, key: entityKey(tenant, kind, id) };
}

export function createIntake({ flows, clock, stampClock, entropy }: IntakeDeps): Intake {
  const bodyHash = ({ flow, typeName, data, partitionkey }: Draft): string => {
    const text = hashText({ flow: flow.name, type: typeName, data });
    // An operation keeps its partition key: a retry that asks for another is another request.
    return entropy.hash(partitionkey === undefined ? text : `${text}#${partitionkey}`);
  };
  const tokenMac = (draft: Draft, { id, stamp }: Identity, tenant: string, mac = entropy.macs[0]): string =>
    mac(`retry/${tenant}/${id}/${stamp}/${bodyHash(draft)}`, 32);
  return {
    bodyHash,
    check(submission) {
      const found = findType(flows, submission.flow, submission.type);
      if (found === undefined || (found.type.internal && !submission.internal)) throw unknownType(flows, submission);
      checkEnvelope(submission, clock.nowMs());
      const data = checkData(found.type, submission.data);
      const { key, after, retryToken, partitionkey } = submission;
      return { ...found, typeName: submission.type, data, key, after, retryToken, partitionkey };
    },
    identity(draft, tenant) {
      const stamp = stampClock.next(draft.after);
      return { id: mintOperationId(clock.nowMs(), entropy.hex(11), tenant, entropy.macs[0]), stamp };
    },
    operation(draft, { id, stamp }, tenant, trace) {
      const data = withEntityId(draft.flow, draft.type, draft.data, id);
      return {
        id,
        flow: draft.flow.name,
        type: draft.typeName,
        version: draft.type.version,
        tenant,
        stamp,
        // What the service asks itself goes where it says, whatever the flow goes by.
        partitionKey:
          (draft.type.internal ? draft.partitionkey : undefined) ??
          draft.flow.partitionKeyOf({ data, id, tenant, requested: draft.partitionkey }),
        data,
        ...trace,
      };
    },
    retryToken: (draft, identity, tenant) => `${identity.id}.${identity.stamp}.${tokenMac(draft, identity, tenant)}`,
    readToken(draft, tenant) {
      const match = TOKEN.exec(draft.retryToken ?? "");
      const identity = { id: match?.[1] ?? "", stamp: match?.[2] ?? "" };
      const ours =
        match !== null &&
        isMinted(identity.id, tenant, entropy.macs) &&
        entropy.macs.some((mac) => tokenMac(draft, identity, tenant, mac) === match[3]);
      if (!ours)
        throw invalid([{ pointer: "#/retryToken", detail: "The retry token is not ours, or belongs to another body" }]);
      return identity;
    },
  };
}

/** Types of a flow that clients may send. */
export function clientTypes(flow: Flow): string[] {
  return Object.keys(flow.types).filter((name) => !flow.types[name]!.internal);
}

/** Time of an operation: its stamp's. */
export function operationMs(operation: Operation): number {
  return stampMs(operation.stamp);
}

function unknownType(flows: readonly Flow[], { flow, type }: Submission): AppError {
  const known = flows.find((candidate) => candidate.name === flow);
  const detail =
    known === undefined
      ? `There is no flow ${JSON.stringify(flow)}; flows are ${flows.map((candidate) => candidate.name).join(", ")}`
      : `Flow "${flow}" has no type ${JSON.stringify(type)}; its types are ${clientTypes(known).join(", ")}`;
  return new AppError("not_found", detail, {
    faults: [{ pointer: known === undefined ? "#/flow" : "#/type", detail }],
  });
}

function checkEnvelope({ key, after, partitionkey, internal }: Submission, nowMs: number): void {
  if (key !== undefined && !internal && !isBounded(key, KEY_CHARACTERS_MAX)) {
    throw invalid([{ pointer: "#/key", detail: `An idempotency key has 1 to ${KEY_CHARACTERS_MAX} characters` }]);
  }
  if (partitionkey !== undefined && !isBounded(partitionkey, PARTITION_KEY_CHARACTERS_MAX)) {
    const detail = `A partition key has 1 to ${PARTITION_KEY_CHARACTERS_MAX} characters`;
    throw invalid([{ pointer: "#/partitionkey", detail }]);
  }
  if (after === undefined) return;
  if (!isStamp(after)) throw invalid([{ pointer: "#/after", detail: "Not a stamp that this service gave out" }]);
  if (isAhead(after, nowMs)) {
    const detail = "The stamp lies more than 60 seconds ahead of the service's clock";
    throw new AppError("stamp_ahead", detail, { faults: [{ pointer: "#/after", detail }] });
  }
}

function isBounded(text: string, charactersMax: number): boolean {
  return text.length > 0 && text.length <= charactersMax && findUnstorable(text) === null;
}

/** Checks data against a type's schema; answers it as the schema has normalised it. */
export function checkData(type: OperationType, data: unknown): Data {
  const unstorable = findUnstorable(data as Json);
  if (unstorable !== null) throw invalid([unstorable]);
  const parsed = type.input.safeParse(data);
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap(faultsOf));
  return parsed.data as Data;
}

const FAULTS_MAX = 20;

function invalid(faults: readonly InputFault[]): AppError {
  const [first] = faults;
  return new AppError("invalid_input", `${first?.pointer ?? "#"}: ${first?.detail ?? "invalid"}`, {
    faults: faults.slice(0, FAULTS_MAX),
  });
}

/** A zod issue as faults: unrecognised members are named one by one. */
function faultsOf(issue: z.core.$ZodIssue): InputFault[] {
  const pointer = `#${issue.path.map((part) => `/${pointerPart(String(part))}`).join("")}`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => ({ pointer: `${pointer}/${pointerPart(name)}`, detail: "There is no such field" }));
  }
  return [{ pointer, detail: issue.message }];
}
