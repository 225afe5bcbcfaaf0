// A ninth flow: notes that a person writes about a session, (:User)-[:WROTE]->(:Note)-[:ON]->(:Session). Everything else
// follows from this one file: the routes and their documents, the topic, the switch KAFKA_NOTES, the metrics.
import { createType, defineFlow, deleteType, id, queryType, refersTo, time, updateType } from "tidegate";
import * as z from "zod";

const kind = {
  name: "Note",
  implicit: false,
  references: [refersTo("user", "WROTE", "in"), refersTo("session", "ON", "out")],
  order: ["writtenAt"],
  search: { text: ["text"], user: "user" },
} as const;

/** Which kind each reference names. */
const targets = { user: "User", session: "Session" };

const fields = {
  user: id,
  session: id.nullable().optional(),
  text: z.string().min(1).max(10_000),
  writtenAt: time.nullable().optional(),
};

export const notes = defineFlow({
  name: "notes",
  topic: "note-operations",
  switch: { variable: "KAFKA_NOTES", followsGlobal: true },
  kind,
  types: {
    create: createType(kind, targets, fields),
    update: updateType(kind, targets, fields),
    delete: deleteType(kind),
    query: queryType(kind, { text: z.string().min(1).max(1_000).optional(), user: id.optional() }),
  },
  partitionBy: (data) => (data.user ?? data.id) as string | undefined,
});
