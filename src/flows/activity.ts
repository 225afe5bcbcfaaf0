// Activities: (:Session)-[:DID]->(:Activity). Ending is one compound register, so that end and status always agree.
import * as z from "zod";
import type { Json } from "../domain/json.ts";
import { entityKey } from "../domain/key.ts";
import type { Kind } from "../domain/model.ts";
import { type EntityState, fieldValue } from "../domain/state.ts";
import { createType, type Data, defineFlow, id, metadata, ownedBy, registerTime, time, updateType } from "./define.ts";

const kind = {
  name: "Activity",
  implicit: false,
  references: [ownedBy("session", "DID")],
  order: ["startedAt"],
} as const satisfies Kind;

const targets = { session: "Session" };

const fields = {
  session: id.nullable().optional(),
  name: z.string().min(1).max(1_000),
  status: z.string().min(1).max(200).nullable().optional(),
  startedAt: time.nullable().optional(),
  metadata: metadata.nullable().optional(),
};

const end = z.strictObject({ id, endedAt: time.optional(), result: z.json().optional() });

/** Status, end and duration are never stored: an activity with an `ended` register is ended (core-proof #8). */
function derive(state: EntityState): { [name: string]: Json } {
  const ended = fieldValue(state, "ended") as { endedAt?: string; result?: Json } | null;
  if (ended === null) return { status: fieldValue(state, "status") ?? "active" };
  const endedAt = ended.endedAt ?? registerTime(state, "ended");
  const startedAt = fieldValue(state, "startedAt");
  return {
    status: "ended",
    endedAt,
    ...(typeof startedAt === "string" && endedAt !== null
      ? { durationMs: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) }
      : {}),
  };
}

function endedRegister({ endedAt, result }: Data): Json {
  return { ...(endedAt === undefined ? {} : { endedAt }), ...(result === undefined ? {} : { result }) };
}

export const activity = defineFlow({
  name: "activity",
  topic: "activity-operations",
  switch: { variable: "KAFKA_ACTIVITY_OPERATIONS", followsGlobal: true },
  kind,
  types: {
    create: createType(kind, targets, fields),
    update: updateType(kind, targets, fields),
    end: {
      version: 1,
      input: end,
      changes: ({ tenant, data }) => [
        {
          type: "update",
          key: entityKey(tenant, kind.name, data.id as string),
          fields: { ended: endedRegister(data) },
        },
      ],
    },
  },
  partitionBy: (data) => (data.session ?? data.id) as string | undefined,
  derive,
});
