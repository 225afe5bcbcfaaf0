// Memories: (:User)-[:REMEMBERS]->(:Memory)-[:FROM]->(:Message).
import * as z from "zod";
import type { Kind } from "../domain/model.ts";
import { fieldValue } from "../domain/state.ts";
import { createType, defineFlow, deleteType, id, metadata, refersTo, updateType } from "./define.ts";

const kind: Kind = {
  name: "Memory",
  implicit: false,
  references: [refersTo("user", "REMEMBERS", "in"), refersTo("message", "FROM", "out")],
  order: [],
};

const targets = { user: "User", message: "Message" };

const fields = {
  user: id,
  content: z.string().min(1).max(65_536),
  message: id.nullable().optional(),
  tags: z.array(z.string().min(1).max(200)).max(100).nullable().optional(),
  metadata: metadata.nullable().optional(),
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
  },
  partitionBy: (data) => (data.user ?? data.id) as string | undefined,
  derive: (state) => (fieldValue(state, "tags") === null ? { tags: [] } : {}),
});
