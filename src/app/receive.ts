// From a record's bytes to an operation, or to a reason to set it aside. Never throws: a record cannot stop a partition.
import { recordName } from "../domain/accounting.ts";
import { base64 } from "../domain/base64.ts";
import { findUnstorable, type Json } from "../domain/json.ts";
import { ledgerKey } from "../domain/key.ts";
import { TENANT_CHARACTERS_MAX, tenantFaults } from "../domain/key-entry.ts";
import { type DecodedRecord, decodeRecord, hashText, type Operation } from "../domain/operation.ts";
import { isMinted } from "../domain/operation-id.ts";
import type { ParkReason } from "../domain/outcome.ts";
import { DEFAULT_TENANT } from "../domain/principal.ts";
import { formatStamp, isAhead, isStamp, type StampClock } from "../domain/stamp.ts";
import { type Data, type Flow, type OperationType, withEntityId } from "../flows/define.ts";
import type { ReadRecord } from "../ports/broker.ts";
import type { Clock, Entropy } from "../ports/clock.ts";
import type { ParkedRow } from "../ports/database.ts";
import { createArrivals } from "./arrival.ts";
import type { Arrival } from "./decision.ts";
import { findType } from "./engine.ts";
import { checkData } from "./intake.ts";
import type { RecordOrigin } from "./tracing.ts";

export interface ReceiveDeps {
  readonly flows: readonly Flow[];
  readonly clock: Clock;
  readonly stampClock: StampClock;
  readonly entropy: Entropy;
  /** Queries are not asked again (core-proof #34). */
  readonly rebuilding?: boolean;
}

/** What a record turned out to be. */
export type Received = { readonly arrival: Arrival } | { readonly parked: ParkedRow };

/** Bytes of a record's value that are looked at; a longer one is parked. */
export const RECORD_BYTES_MAX = 1_048_576;
/** Id of an operation of a foreign producer. */
const FOREIGN_ID_CHARACTERS_MAX = 200;

const utf8 = new TextDecoder("utf-8", { fatal: true });

interface Refusal {
  readonly reason: ParkReason;
  readonly detail: string;
}

/** Makes the function that looks at one record; `countedBy` is its position's key. */
export function createReceive(deps: ReceiveDeps) {
  const arrivalOf = createArrivals(deps.entropy, deps.rebuilding !== true);
  return (record: ReadRecord, origin: RecordOrigin, countedBy: string): Received => {
    const row = (refusal: Refusal, decoded?: DecodedRecord): ParkedRow =>
      parkedRow(
        origin,
        countedBy,
        record.value,
        refusal,
        deps.clock.nowMs(),
        decoded,
        decoded !== undefined && isOurs(deps, decoded),
      );
    const text = textOf(record.value);
    if (typeof text !== "string") return { parked: row(text) };
    const decoded = decodeRecord(text);
    if ("fault" in decoded) return { parked: row({ reason: "undecodable", detail: decoded.fault }) };
    const received = toOperation(deps, decoded.record, origin);
    if ("reason" in received) return { parked: row(received, decoded.record) };
    const { operation, minted, type } = received;
    if (minted) deps.stampClock.observe(operation.stamp);
    try {
      const hash = deps.entropy.hash(hashText(decoded.record));
      const conflict = { reason: "id_conflict", detail: "The id was used before for another operation" } as const;
      // Counted to no flow: the id has its outcome already.
      const conflictRow = (): ParkedRow =>
        parkedRow(origin, countedBy, record.value, conflict, deps.clock.nowMs(), decoded.record);
      return { arrival: arrivalOf(operation, type, { path: "kafka", countedBy, minted, hash, conflictRow }) };
    } catch (error) {
      return { parked: row({ reason: "handler_failed", detail: String(error) }, decoded.record) };
    }
  };
}

/** The row of a record that is set aside, whatever is known of it; `position` is the key of its partition's. */
export function parkedRow(
  origin: RecordOrigin,
  position: string,
  value: Uint8Array | null,
  { reason, detail }: Refusal,
  atMs: number,
  decoded?: Pick<DecodedRecord, "id" | "flow" | "tenant">,
  minted = false,
): ParkedRow {
  return {
    key: recordName(origin, position),
    ...origin,
    reason,
    detail: detail.toWellFormed().slice(0, 500),
    bytes: value === null ? null : base64(value),
    operationKey: decoded === undefined ? null : operationKey(decoded),
    flow: minted ? (decoded?.flow.toWellFormed() ?? null) : null,
    atMs,
    attempts: 0,
    decided: "",
  };
}

/** Whether we minted the record's id. */
function isOurs({ entropy }: ReceiveDeps, { id, tenant }: DecodedRecord): boolean {
  return isMinted(id, tenant ?? DEFAULT_TENANT, entropy.macs);
}

/**
 * Whatever id and tenant are: a key cannot be made of lone surrogates, and no index has to hold one that is longer than
 * those of any operation.
 */
function operationKey({ tenant = DEFAULT_TENANT, id }: Pick<DecodedRecord, "id" | "tenant">): string | null {
  if (tenant.length > TENANT_CHARACTERS_MAX || id.length > FOREIGN_ID_CHARACTERS_MAX) return null;
  return ledgerKey(tenant.toWellFormed(), id.toWellFormed());
}

function textOf(value: Uint8Array | null): string | Refusal {
  if (value === null) return { reason: "undecodable", detail: "The record has no value" };
  if (value.byteLength > RECORD_BYTES_MAX) {
    return { reason: "too_large", detail: `The value has ${value.byteLength} bytes, more than ${RECORD_BYTES_MAX}` };
  }
  try {
    return utf8.decode(value);
  } catch {
    return { reason: "undecodable", detail: "The value is not UTF-8 text" };
  }
}

function toOperation(
  deps: ReceiveDeps,
  record: DecodedRecord,
  origin: RecordOrigin,
): { operation: Operation; minted: boolean; type: OperationType } | Refusal {
  const found = findType(deps.flows, record.flow, record.type);
  if (found === undefined)
    return { reason: "unknown_flow", detail: `There is no ${record.flow || "flow"}.${record.type}` };
  const tenant = record.tenant ?? DEFAULT_TENANT;
  const isStrange = findUnstorable(record.id) !== null || record.id.length > FOREIGN_ID_CHARACTERS_MAX;
  if (isStrange || tenantFaults(tenant).length > 0)
    return { reason: "invalid", detail: "The id or the tenant cannot be stored" };
  const minted = isMinted(record.id, tenant, deps.entropy.macs);
  if (found.type.internal && !minted) {
    return { reason: "invalid", detail: `Only the service itself makes ${record.flow}.${record.type}` };
  }
  const stamp = stampOf(record, minted, origin, deps.clock.nowMs());
  if (typeof stamp !== "string") return stamp;
  const data = newestData(found.type, record);
  if ("reason" in data) return data.reason;
  const { flow, type, id, partitionKey, traceparent, tracestate } = record;
  const whole = withEntityId(found.flow, found.type, data.data, id);
  const trace = {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  };
  const operation = { id, flow, type, version: found.type.version, tenant, stamp, partitionKey, data: whole, ...trace };
  return { operation, minted, type: found.type };
}

/** Our own stamps are honoured whatever the clock says; a stranger's is bounded (core-proof #27, #28). */
function stampOf(record: DecodedRecord, minted: boolean, origin: RecordOrigin, nowMs: number): string | Refusal {
  const ahead: Refusal = {
    reason: "stamp_ahead",
    detail: "The stamp lies more than 60 seconds ahead of the service's clock",
  };
  if (record.stamp !== undefined) {
    if (!isStamp(record.stamp)) return { reason: "invalid", detail: "The stamp has not the shape of one" };
    return !minted && isAhead(record.stamp, nowMs) ? ahead : record.stamp;
  }
  if (record.timeMs === undefined)
    return { reason: "no_stamp", detail: "The record carries neither a stamp nor a time" };
  if (record.timeMs < 0) return { reason: "invalid", detail: "The time lies before 1970" };
  // The record's place stands in for the node, so that two reads give one stamp.
  const place = origin.partition.toString(16).padStart(4, "0") + origin.offset.toString(16).padStart(12, "0");
  const stamp = formatStamp(record.timeMs, 0, place);
  return isAhead(stamp, nowMs) ? ahead : stamp;
}

/** Data of any known version as the newest one, checked. */
function newestData(type: OperationType, record: DecodedRecord): { data: Data } | { reason: Refusal } {
  if (record.version < 1 || record.version > type.version) {
    const said =
      record.version === -1 ? "The dataschema names no version" : `Schema version ${record.version} is unknown`;
    const detail = `${said}; this release knows up to ${type.version}`;
    return { reason: { reason: "unknown_version", detail } };
  }
  try {
    let data: Data = record.data;
    for (let version = record.version; version < type.version; version++) {
      const upcast = type.upcasts?.[version];
      if (upcast === undefined) {
        const detail = `Schema version ${record.version} is incompatible: this release cannot bring it to ${type.version}`;
        return { reason: { reason: "unknown_version", detail } };
      }
      data = upcast(data);
    }
    return { data: checkData(type, data as Json) };
  } catch (error) {
    return { reason: { reason: "invalid", detail: error instanceof Error ? error.message : String(error) } };
  }
}
