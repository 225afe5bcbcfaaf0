// What every text model shares: which texts fit its room, how texts are shortened, and the answer to no text at all.
import { AppError } from "../../domain/errors.ts";
import type { Analysis, Evaluation, SourceText, SummaryText } from "../../ports/text-model.ts";

/** Entries of each list of an analysis. */
export const LIST_MAX = 20;
/** Characters of what an answer may hold. */
export const CHARACTERS_MAX = { summary: 4_000, topic: 100, entity: 200, entityType: 40, question: 400, reasons: 400 };

/** The answers to no text at all. */
export const EMPTY_SUMMARY: SummaryText = { text: "", restsOn: [] };
export const EMPTY_ANALYSIS: Analysis = { topics: [], sentiment: 0, entities: [], questions: [] };
export const EMPTY_EVALUATION: Evaluation = { score: 0, reasons: "" };

/** Characters that a text takes beside its own: for its id and role, and so that many short ones are bounded as well. */
const TEXT_COST = 50;

/**
 * The newest texts that fit, in their order: the oldest fall away first. Blank texts are left out, for nothing can rest
 * on them. When the newest text alone is too long, it is its end that fits. Each text counts 50 characters more.
 */
export function newestThatFit(texts: readonly SourceText[], charactersMax: number): SourceText[] {
  const fitting: SourceText[] = [];
  let room = charactersMax;
  for (const source of texts.toReversed()) {
    if (source.text.trim() === "") continue;
    const cost = source.text.length + TEXT_COST;
    if (cost > room) {
      if (fitting.length === 0) fitting.push({ ...source, text: endOf(source.text, charactersMax) });
      break;
    }
    fitting.push(source);
    room -= cost;
  }
  return fitting.reverse();
}

/** The text, or its beginning and an ellipsis, in at most `charactersMax` characters. */
export function shorten(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  return `${text.slice(0, charactersMax - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** At most three digits behind the point, and never a negative zero. */
export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000 + 0;
}

/** Throws AppError `model_unavailable` once the caller has given up. */
export function throwIfCancelled(action: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new AppError("model_unavailable", `Cannot ${action}: cancelled`, { cause: signal.reason });
}

function endOf(text: string, charactersMax: number): string {
  return text.slice(Math.max(0, text.length - charactersMax)).replace(/^[\udc00-\udfff]/, "");
}
