// Memories: (:User)-[:REMEMBERS]->(:Memory)-[:FROM]->(:Message).
import * as z from "zod";
import type { Kind } from "../domain/model.ts";
import { fieldValue } from "../domain/state.ts";
import {
  createType,
  type Data,
  defineFlow,
  deleteType,
  id,
  metadata,
  queryType,
  refersTo,
  time,
  updateType,
} from "./define.ts";

const kind = {
  name: "Memory",
  implicit: false,
  references: [refersTo("user", "REMEMBERS", "in"), refersTo("message", "FROM", "out")],
  order: [],
  search: { text: ["content"], user: "user", tags: "tags" },
} as const satisfies Kind;

const targets = { user: "User", message: "Message" };

const fields = {
  user: id,
  content: z.string().min(1).max(65_536),
  message: id.nullable().optional(),
  tags: z.array(z.string().min(1).max(200)).max(100).nullable().optional(),
  metadata: metadata.nullable().optional(),
};

const question = {
  text: z.string().min(1).max(1_000).optional(),
  user: id.optional(),
  tags: z.array(z.string().min(1).max(200)).max(20).optional(),
  from: time.optional(),
  to: time.optional(),
};

export const memory = defineFlow({
  name: "memory",
  topic: "memory-operations",
  switch: { variable: "KAFKA_MEMORY_OPERATIONS", followsGlobal: true },
  kind,
  types: {
    create: createType(kind, targets, fields),
    update: updateType(kind, targets, fields),
    delete: deleteType(kind),
    query: queryType(kind, question),
  },
  partitionBy: (data) => (data.user ?? data.id) as string | undefined,
  derive: (state): Data => (fieldValue(state, "tags") === null ? { tags: [] } : {}),
});
