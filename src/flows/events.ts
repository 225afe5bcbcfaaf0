// Events: (:Event)-[:ABOUT]->(any). The CloudEvent's own type is data; its source and id name the event.
import * as z from "zod";
import type { Json } from "../domain/json.ts";
import { entityKey } from "../domain/key.ts";
import type { Kind } from "../domain/model.ts";
import { defineFlow, id, refersTo, time } from "./define.ts";

const kind = {
  name: "Event",
  implicit: false,
  references: [refersTo("about", "ABOUT", "out")],
  order: ["time"],
} as const satisfies Kind;

/** Kinds an event can be about. */
const about = z.strictObject({
  kind: z.enum([
    "User",
    "Session",
    "Message",
    "Summary",
    "Thought",
    "Evaluation",
    "Memory",
    "Activity",
    "Action",
    "Event",
  ]),
  id,
});

/** How CloudEvents names an extension attribute. */
export const EXTENSION_NAME = /^[a-z0-9]{1,20}$/;

const attributes = z.strictObject({
  /** With `source` the event's own key: posting an event twice records it once. */
  id: id.optional(),
  source: z.string().min(1).max(1_000).optional(),
  type: z.string().min(1).max(1_000),
  subject: z.string().min(1).max(1_000).optional(),
  time: time.optional(),
  dataschema: z.string().min(1).max(2_000).optional(),
  datacontenttype: z.string().min(1).max(200).optional(),
  data: z.json().optional(),
  /** Data that is neither JSON nor text, in base64, as CloudEvents' JSON format has it. */
  data_base64: z.base64().optional(),
  about: about.optional(),
  /** CloudEvents extension attributes. */
  extensions: z.record(z.string().regex(EXTENSION_NAME), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/** Every source and id of ASCII letters and signs fits; what is longer as a key cannot be looked up in every database. */
const KEY_CHARACTERS_MAX = 6_100;

const record = attributes
  .refine((event) => event.data === undefined || event.data_base64 === undefined, {
    path: ["data_base64"],
    error: "An event has data or data_base64, not both",
  })
  .refine((event) => encodeURIComponent(eventId(event) ?? "").length <= KEY_CHARACTERS_MAX, {
    path: ["source"],
    error: `Source and id are too long together: percent-encoded they have more than ${KEY_CHARACTERS_MAX} characters`,
  });

/** An event's id within its source, as the one id of its entity. */
export function eventId({ id, source }: { readonly id?: unknown; readonly source?: unknown }): string | undefined {
  if (id === undefined) return undefined;
  return `${encodeURIComponent((source as string | undefined) ?? "/")}/${encodeURIComponent(id as string)}`;
}

export const events = defineFlow({
  name: "events",
  topic: "events",
  switch: { variable: "USE_KAFKA", followsGlobal: false },
  kind,
  types: {
    record: {
      version: 1,
      input: record,
      changes: ({ tenant, data }) => {
        const fields: Record<string, Json> = {};
        for (const [name, value] of Object.entries(data)) if (name !== "about") fields[name] = value;
        const named = data.about as { kind: string; id: string } | undefined;
        if (named !== undefined) fields.about = entityKey(tenant, named.kind, named.id);
        return [{ type: "create", key: entityKey(tenant, kind.name, eventId(data)!), fields }];
      },
    },
  },
  entityId: eventId,
  routeBy: (data) => (typeof data.type === "string" ? data.type : undefined),
  partitionBy: (data) => (data.subject as string | undefined) ?? eventId(data),
});
