// A text model: summaries, analyses and evaluations of texts of the graph. The contract is in these comments;
// test/contract/text-model.ts holds adapters to it.

/** One text with its id and who said it. */
export interface SourceText {
  readonly id: string;
  /** `user`, `assistant`, … or null where nobody said. */
  readonly role: string | null;
  readonly text: string;
}

/** A summary and the ids of the texts it rests on: a part of those given, in their order. */
export interface SummaryText {
  readonly text: string;
  readonly restsOn: readonly string[];
}

/** What a conversation is about. Lists hold the most important first, at most 20 each. */
export interface Analysis {
  readonly topics: readonly string[];
  /** From -1 (negative) to 1 (positive). */
  readonly sentiment: number;
  readonly entities: readonly { readonly text: string; readonly type: string }[];
  /** Questions that the texts ask and do not answer. */
  readonly questions: readonly string[];
}

/** How well an analysis held against what came later: 0 (not at all) to 1 (fully), and why. */
export interface Evaluation {
  readonly score: number;
  readonly reasons: string;
}

/** Which model spoke, beside what it said. `model` names adapter and version. */
export type Spoken<Answer> = Answer & { readonly model: string };

/**
 * A text model. Every call is bounded in time by the adapter and ends early when `signal` aborts; texts beyond the
 * adapter's room are cut from the front, and `restsOn` then names only what was read. Given no text, the answers are
 * empty. Throws AppError `model_unavailable` when no answer can be had now; an adapter never answers with what does not
 * fit these shapes.
 */
export interface TextModel {
  summarize(texts: readonly SourceText[], signal?: AbortSignal): Promise<Spoken<SummaryText>>;
  analyze(texts: readonly SourceText[], signal?: AbortSignal): Promise<Spoken<Analysis>>;
  evaluate(analysis: Analysis, later: readonly SourceText[], signal?: AbortSignal): Promise<Spoken<Evaluation>>;
}
