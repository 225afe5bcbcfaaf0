// Thoughts about conversations and how they held: (:Thought)-[:ABOUT]->(:Session|:Message), (:Evaluation)-[:OF]->(:Thought).
import * as z from "zod";
import type { Json } from "../domain/json.ts";
import { entityKey } from "../domain/key.ts";
import type { Kind } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import { fieldValue } from "../domain/state.ts";
import type { Analysis } from "../ports/text-model.ts";
import { type Data, defineFlow, id, type Preparation, pointsAt, result } from "./define.ts";
import type { Basis } from "./outside.ts";
import { readTexts, readTextsAfter } from "./texts.ts";

const thought = {
  name: "Thought",
  implicit: false,
  references: [{ ...pointsAt("about", "ABOUT"), owner: true }],
  // No operation writes it, so the time of the create counts.
  order: ["createdAt"],
  provenance: ["basis"],
} as const satisfies Kind;

const evaluation = {
  name: "Evaluation",
  implicit: false,
  references: [{ ...pointsAt("of", "OF"), owner: true }],
  // No operation writes it, so the time of the create counts.
  order: ["createdAt"],
  provenance: ["basis"],
} as const satisfies Kind;

const analyze = z
  .strictObject({ id: id.optional(), session: id.optional(), message: id.optional() })
  .refine((data) => (data.session === undefined) !== (data.message === undefined), {
    error: "Name either a session or a message",
  })
  .meta({ oneOf: [{ required: ["session"] }, { required: ["message"] }] });

const words = z.array(z.string()).max(100);

const analyzed = result({
  analysis: z.strictObject({
    topics: words,
    sentiment: z.number().min(-1).max(1),
    entities: z.array(z.strictObject({ text: z.string(), type: z.string() })).max(100),
    questions: words,
    model: z.string(),
    basis: z.json(),
  }),
});

const evaluated = result({
  evaluation: z.union([
    z.strictObject({ score: z.number().min(0).max(1), reasons: z.string(), model: z.string(), basis: z.json() }),
    z.strictObject({ failed: z.string() }),
  ]),
});

function subject({ tenant, data }: Operation): string {
  return data.session === undefined
    ? entityKey(tenant, "Message", data.message as string)
    : entityKey(tenant, "Session", data.session as string);
}

const keyOf = ({ tenant, data }: Operation, { name }: Kind): string => entityKey(tenant, name, data.id as string);

const think: Preparation = {
  result: "analyzed",
  async run(operation, { graph, textModel, signal }) {
    const { texts, basis } = await readTexts(graph, subject(operation), operation.stamp);
    const analysis = await textModel.analyze(texts, signal);
    return { data: { analysis: { ...analysis, basis } as unknown as Json } };
  },
};

const judge: Preparation = {
  result: "evaluated",
  async run({ tenant, data, stamp }, { graph, textModel, signal, isLastAttempt }) {
    const seen = await graph.entity(entityKey(tenant, thought.name, data.thought as string));
    const analysis = seen === undefined ? null : fieldValue(seen.state, "analysis");
    if (analysis === null) {
      const why = seen === undefined ? "There is no such thought" : "The thought has no analysis yet";
      return isLastAttempt ? { data: { evaluation: { failed: why } } } : { retry: why };
    }
    const about = fieldValue(seen!.state, "about") as string;
    const { cut } = (analysis as unknown as { basis: Basis }).basis;
    const { texts, basis } = await readTextsAfter(graph, about, cut, stamp);
    const held = await textModel.evaluate(analysis as unknown as Analysis, texts, signal);
    return { data: { evaluation: { ...held, basis } as unknown as Json } };
  },
};

export const contextAnalysis = defineFlow({
  name: "context-analysis",
  topic: "context-analysis-requests",
  switch: { variable: "KAFKA_CONTEXT_ANALYSIS", followsGlobal: true },
  kind: thought,
  furtherKinds: [evaluation],
  types: {
    analyze: {
      version: 1,
      input: analyze,
      changes: (operation) => [
        { type: "create", key: keyOf(operation, thought), fields: { about: subject(operation) } },
      ],
      prepare: think,
    },
    evaluate: {
      version: 1,
      input: z.strictObject({ id: id.optional(), thought: id }),
      kind: evaluation,
      changes: (operation) => {
        const of = entityKey(operation.tenant, thought.name, operation.data.thought as string);
        return [{ type: "create", key: keyOf(operation, evaluation), fields: { of } }];
      },
      prepare: judge,
    },
    analyzed: {
      version: 1,
      input: analyzed,
      internal: true,
      isResult: true,
      changes: (operation) => [
        { type: "update", key: keyOf(operation, thought), fields: { analysis: operation.data.analysis! } },
      ],
    },
    evaluated: {
      version: 1,
      input: evaluated,
      kind: evaluation,
      internal: true,
      isResult: true,
      changes: (operation) => [
        { type: "update", key: keyOf(operation, evaluation), fields: { evaluation: operation.data.evaluation! } },
      ],
    },
  },
  partitionBy: (data: Data) => (data.session ?? data.message ?? data.thought ?? data.id) as string | undefined,
  derive: (state, of) => ({
    status: fieldValue(state, of === thought.name ? "analysis" : "evaluation") === null ? "pending" : "ready",
  }),
});
