// From an operation to what the engine applies: its changes, and what it asks for beside them.
import { ledgerKey } from "../domain/key.ts";
import { encodeRecord, hashText, type Operation } from "../domain/operation.ts";
import { isMinted, type Mac, resultOperationId } from "../domain/operation-id.ts";
import type { Path } from "../domain/outcome.ts";
import { stampMs } from "../domain/stamp.ts";
import { versionOf } from "../domain/state.ts";
import type { OperationType } from "../flows/define.ts";
import type { Entropy } from "../ports/clock.ts";
import type { Arrival } from "./decision.ts";

/** How long the answer to a query is kept. */
export const ANSWER_KEEP_MS = 3_600_000;

/** Where an operation came from. */
export interface Arriving {
  readonly path: Path;
  readonly countedBy: string;
  readonly minted: boolean;
  /** Hash of the operation as it was sent; records of an older schema version keep theirs. */
  readonly hash?: string;
  readonly conflictRow?: NonNullable<Arrival["conflictRow"]>;
}

/** Makes the function that makes arrivals. It runs the operation's handler, which may throw. Runs for every record. */
export function createArrivals(entropy: Entropy, asks: boolean) {
  return (operation: Operation, type: OperationType, { hash, ...arriving }: Arriving): Arrival => {
    const changes = type.changes(operation);
    const arrival: Arrival = { ...arriving, operation, changes, hash: hash ?? entropy.hash(hashText(operation)) };
    const { internal, prepare, isResult, verdict } = type;
    if (!(internal || prepare || isResult || type.query || verdict)) return arrival;
    return {
      ...arrival,
      ...(internal ? { derived: true as const } : {}),
      ...(prepare === undefined ? {} : { prepares: prepares(operation, entropy.macs) }),
      ...(isResult ? { finishes: operation.data.request as string } : {}),
      ...(type.query === undefined || !asks ? {} : { question: question(operation, type.query(operation)) }),
      ...(verdict === undefined ? {} : { decision: decision(operation, verdict) }),
    };
  };
}

function prepares(operation: Operation, macs: readonly Mac[]) {
  const record = encodeRecord(operation, stampMs(operation.stamp));
  const results = macs.map((mac) => ledgerKey(operation.tenant, resultId(operation, mac)));
  return { record, results };
}

/** Id of a request's result under the secret that minted the request, or the current one for a foreign request. */
export function resultIdOf(request: Operation, macs: readonly [Mac, ...Mac[]]): string {
  if (macs.length === 1) return resultId(request, macs[0]);
  return resultId(request, macs.find((mac) => isMinted(request.id, request.tenant, [mac])) ?? macs[0]);
}

function resultId({ id, stamp, tenant }: Operation, mac: Mac): string {
  return resultOperationId(id, stampMs(stamp), tenant, mac);
}

function question({ tenant, id }: Operation, asked: ReturnType<NonNullable<OperationType["query"]>>) {
  return { key: ledgerKey(tenant, id), ...asked, keepMs: ANSWER_KEEP_MS };
}

function decision(operation: Operation, verdict: "replay" | "discard") {
  const { record, value } = operation.data as { record: string; value?: string };
  return { record, version: versionOf(operation), verdict, value: value ?? null };
}
