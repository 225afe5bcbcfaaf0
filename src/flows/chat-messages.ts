// Chat messages: (:Session)-[:CONTAINS]->(:Message), (:User)-[:SENT]->(:Message).
import * as z from "zod";
import type { Kind } from "../domain/model.ts";
import { createType, defineFlow, deleteType, id, metadata, ownedBy, refersTo, time, updateType } from "./define.ts";

const kind = {
  name: "Message",
  implicit: false,
  references: [ownedBy("session", "CONTAINS"), refersTo("user", "SENT", "in")],
  order: ["sentAt", "seq"],
} as const satisfies Kind;

const targets = { session: "Session", user: "User" };

const fields = {
  session: id,
  user: id,
  role: z.enum(["user", "assistant", "system", "tool"]).optional(),
  content: z.string().min(1).max(65_536),
  sentAt: time.nullable().optional(),
  /** Orders messages of equal time. */
  seq: z.int().min(0).nullable().optional(),
  metadata: metadata.nullable().optional(),
};

export const chatMessages = defineFlow({
  name: "chat-messages",
  topic: "chat-message-requests",
  switch: { variable: "KAFKA_CHAT_MESSAGES", followsGlobal: true },
  kind,
  types: {
    create: createType(kind, targets, fields),
    update: updateType(kind, targets, fields),
    delete: deleteType(kind),
  },
  partitionBy: (data) => (data.session ?? data.id) as string | undefined,
});
