// Parked records as the service's API shows them, and how commands name them.
import type { ParkedRecord } from "../client/answers.ts";
import { usageFailure } from "./failure.ts";
import { formatAge, formatMembers, formatTable, plain, plainLines } from "./text.ts";

/** One parked record with its value: base64, and as text when it is UTF-8. */
export interface InspectedRecord extends ParkedRecord {
  readonly bytes: string | null;
  readonly text: string | null;
}

const RECORD = /^(?!\.{1,2}\/)([A-Za-z0-9._-]{1,249})\/(\d{1,9})\/(\d{1,16}(?:@[0-9a-f]{8})?)$/;

/** The path of a parked record's resource. Throws a usage failure for what names no record. */
export function parkedPath(record: string): string {
  const [, topic, partition, offset] = RECORD.exec(record) ?? [];
  if (topic === undefined) {
    throw usageFailure(`${JSON.stringify(record)} names no record; give topic/partition/offset`);
  }
  return `/v1/parked/${encodeURIComponent(topic)}/${partition}/${offset}`;
}

const DETAIL_CHARACTERS_MAX = 80;

/** Parked records as a table. */
export function formatParked(items: readonly ParkedRecord[], nowMs: number): string {
  const rows = items.map(({ record, reason, flow, attempts, parkedAt, detail }) => [
    record,
    reason,
    flow ?? "-",
    String(attempts),
    formatAge(Date.parse(parkedAt), nowMs),
    plain(detail, DETAIL_CHARACTERS_MAX),
  ]);
  return formatTable(["RECORD", "REASON", "FLOW", "ATTEMPTS", "AGE", "DETAIL"], rows);
}

/** One parked record in full, its value last. */
export function formatParkedRecord({ bytes, text, ...members }: InspectedRecord): string {
  const value = text ?? (bytes === null ? "(no value)" : `(not UTF-8; base64) ${bytes}`);
  return `${formatMembers(members)}\n\n${plainLines(value)}`;
}
