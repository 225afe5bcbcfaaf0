// Actions: (:Activity)-[:RAN]->(:Action). Executing calls a configured webhook; what it answered and what a client says of
// the end are two registers, so they can never be mixed (core-proof #7).
import * as z from "zod";
import { findUnstorable, type Json } from "../domain/json.ts";
import { entityKey } from "../domain/key.ts";
import type { Kind } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import { type EntityState, fieldValue } from "../domain/state.ts";
import type { WebhookResult } from "../ports/webhook.ts";
import { type Data, defineFlow, id, metadata, ownedBy, type Preparation, registerTime, result } from "./define.ts";

const kind = {
  name: "Action",
  implicit: false,
  references: [ownedBy("activity", "RAN")],
  // No operation writes it, so the time of the create counts.
  order: ["createdAt"],
} as const satisfies Kind;

const execute = z.strictObject({
  id: id.optional(),
  activity: id.nullable().optional(),
  /** A configured name; never an address. */
  webhook: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: "The name of a configured webhook" }),
  input: z.json().optional(),
  metadata: metadata.nullable().optional(),
});

const complete = z.strictObject({
  id,
  status: z.enum(["completed", "failed"]),
  result: z.json().optional(),
  error: z.string().min(1).max(10_000).optional(),
});

const executed = result({
  response: z.strictObject({
    status: z.enum(["completed", "accepted", "failed"]),
    code: z.int().optional(),
    body: z.json().optional(),
    error: z.string().optional(),
  }),
});

const call: Preparation = {
  result: "executed",
  async run({ id: operationId, data }, { webhooks, isLastAttempt, signal }) {
    const body = { action: data.id!, input: data.input ?? null };
    const answer = await webhooks.call({ name: data.webhook as string, id: operationId, body, signal });
    if (answer.status === "failed" && answer.retryable && !isLastAttempt) {
      const { reason: retry, retryAfterMs: afterMs } = answer;
      return { retry, ...(afterMs === undefined ? {} : { afterMs }) };
    }
    return { data: { response: responseOf(answer) } };
  },
};

/** 2xx with a body completes; without one the receiver has accepted, and `complete` follows. */
function responseOf(answer: WebhookResult): Json {
  if (answer.status === "failed") {
    return { status: "failed", ...(answer.code === undefined ? {} : { code: answer.code }), error: answer.reason };
  }
  const { code, body } = answer;
  // Deeper by two levels than it was sent: what was just within the bounds may not be any more.
  const unstorable = findUnstorable({ response: { body } });
  if (unstorable !== null) return { status: "failed", code, error: `the answer cannot be kept: ${unstorable.detail}` };
  return code === 202 || body === null ? { status: "accepted", code } : { status: "completed", code, body };
}

/** What a client says of the end counts before what the webhook answered. */
function derive(state: EntityState): { [name: string]: Json } {
  const completion = fieldValue(state, "completion") as { status: string } | null;
  const response = fieldValue(state, "response") as { status: string } | null;
  const endedAt = completion === null ? null : registerTime(state, "completion");
  return {
    status: completion?.status ?? response?.status ?? "requested",
    ...(endedAt === null ? {} : { endedAt }),
  };
}

const keyOf = ({ tenant, data }: Operation): string => entityKey(tenant, kind.name, data.id as string);

export const action = defineFlow({
  name: "action",
  topic: "action-operations",
  switch: { variable: "KAFKA_ACTION_OPERATIONS", followsGlobal: true },
  kind,
  types: {
    execute: {
      version: 1,
      input: execute,
      changes: (operation) => {
        const { id: _, activity, ...rest } = operation.data;
        const fields: Record<string, Json> = { ...rest };
        if (activity !== undefined) {
          fields.activity = activity === null ? null : entityKey(operation.tenant, "Activity", activity as string);
        }
        return [{ type: "create", key: keyOf(operation), fields }];
      },
      prepare: call,
    },
    complete: {
      version: 1,
      input: complete,
      changes: (operation) => {
        const { id: _, ...completion } = operation.data;
        return [{ type: "update", key: keyOf(operation), fields: { completion } }];
      },
    },
    executed: {
      version: 1,
      input: executed,
      internal: true,
      isResult: true,
      changes: (operation) => [
        { type: "update", key: keyOf(operation), fields: { response: operation.data.response! } },
      ],
    },
  },
  partitionBy: (data: Data) => (data.activity ?? data.id) as string | undefined,
  derive,
});
