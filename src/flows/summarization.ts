// Summaries: (:Summary)-[:OF]->(:Session|:User). A text model's words are an operation of their own: `generated`.
import * as z from "zod";
import type { Json } from "../domain/json.ts";
import { entityKey } from "../domain/key.ts";
import type { Kind } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import { fieldValue } from "../domain/state.ts";
import { type Data, defineFlow, id, type Preparation, pointsAt, result } from "./define.ts";
import { readTexts } from "./texts.ts";

const kind = {
  name: "Summary",
  implicit: false,
  references: [{ ...pointsAt("of", "OF"), owner: true }],
  // No operation writes it, so the time of the create counts.
  order: ["createdAt"],
  provenance: ["basis"],
} as const satisfies Kind;

const generate = z
  .strictObject({ id: id.optional(), session: id.optional(), user: id.optional() })
  .refine((data) => (data.session === undefined) !== (data.user === undefined), {
    error: "Name either a session or a user",
  })
  .meta({ oneOf: [{ required: ["session"] }, { required: ["user"] }] });

const text = z.string().min(1).max(65_536);

const generated = result({
  summary: z.strictObject({
    text: z.string().max(65_536),
    restsOn: z.array(id).max(1_000),
    model: z.string(),
    basis: z.json(),
  }),
});

/** Key of the session or the user that a summary is of. */
function subject({ tenant, data }: Operation): string {
  return data.session === undefined
    ? entityKey(tenant, "User", data.user as string)
    : entityKey(tenant, "Session", data.session as string);
}

const summarize: Preparation = {
  result: "generated",
  async run(operation, { graph, textModel, signal }) {
    const { texts, basis } = await readTexts(graph, subject(operation), operation.stamp);
    const summary = await textModel.summarize(texts, signal);
    return { data: { summary: { ...summary, basis } as unknown as Json } };
  },
};

const keyOf = ({ tenant, data }: Operation): string => entityKey(tenant, kind.name, data.id as string);

export const summarization = defineFlow({
  name: "summarization",
  topic: "summarization-requests",
  switch: { variable: "KAFKA_SUMMARIZATION", followsGlobal: true },
  kind,
  types: {
    generate: {
      version: 1,
      input: generate,
      changes: (operation) => [{ type: "create", key: keyOf(operation), fields: { of: subject(operation) } }],
      prepare: summarize,
    },
    update: {
      version: 1,
      input: z.strictObject({ id, text }),
      // One register with what the model says: a person's words have no basis, and the later of both stands.
      changes: (operation) => [
        { type: "update", key: keyOf(operation), fields: { summary: { text: operation.data.text! } } },
      ],
    },
    generated: {
      version: 1,
      input: generated,
      internal: true,
      isResult: true,
      changes: (operation) => [{ type: "update", key: keyOf(operation), fields: { summary: operation.data.summary! } }],
    },
  },
  partitionBy: (data: Data) => (data.session ?? data.user ?? data.id) as string | undefined,
  derive: (state) => ({ status: fieldValue(state, "summary") === null ? "pending" : "ready" }),
});
