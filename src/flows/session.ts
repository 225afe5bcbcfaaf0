// Sessions: (:User)-[:HAS]->(:Session). A deleted session hides what belongs to it.
import * as z from "zod";
import type { Kind } from "../domain/model.ts";
import { fieldValue } from "../domain/state.ts";
import { createType, defineFlow, deleteType, id, metadata, queryType, refersTo, time, updateType } from "./define.ts";

const kind = {
  name: "Session",
  implicit: false,
  references: [refersTo("user", "HAS", "in")],
  order: ["startedAt"],
  search: { text: [], user: "user", time: "startedAt", ended: "endedAt" },
} as const satisfies Kind;

const targets = { user: "User" };

const fields = {
  user: id.nullable().optional(),
  title: z.string().max(1_000).nullable().optional(),
  prompt: z.string().max(65_536).nullable().optional(),
  startedAt: time.nullable().optional(),
  endedAt: time.nullable().optional(),
  ratings: z.record(z.string().max(200), z.number()).nullable().optional(),
  metadata: metadata.nullable().optional(),
};

const question = {
  user: id.optional(),
  state: z.enum(["active", "ended"]).optional(),
  from: time.optional(),
  to: time.optional(),
};

export const session = defineFlow({
  name: "session",
  topic: "session-operations",
  switch: { variable: "KAFKA_SESSION_OPERATIONS", followsGlobal: true },
  kind,
  types: {
    create: createType(kind, targets, fields),
    update: updateType(kind, targets, fields),
    delete: deleteType(kind),
    query: queryType(kind, question),
  },
  derive: (state) => ({ status: fieldValue(state, "endedAt") === null ? "active" : "ended" }),
});
