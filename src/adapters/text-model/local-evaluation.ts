// How an analysis held: which of its topics and entities came up again, and whether the mood stayed.
import type { Analysis, Evaluation } from "../../ports/text-model.ts";
import { sentimentOf } from "./local-analysis.ts";
import type { Language, ReadText, Sentence } from "./local-read.ts";
import { CHARACTERS_MAX, EMPTY_EVALUATION, LIST_MAX, rounded, shorten } from "./room.ts";

/** What of the score the mood decides. */
const MOOD_SHARE = 0.2;
const NAMED_MAX = 5;

/** The evaluation of an analysis by later texts: the share that came up again, less up to a fifth for another mood. */
export function evaluationOf(language: Language, analysis: Analysis, later: readonly ReadText[]): Evaluation {
  if (later.length === 0) return EMPTY_EVALUATION;
  const said = [...analysis.topics.slice(0, LIST_MAX), ...analysis.entities.slice(0, LIST_MAX).map(({ text }) => text)];
  const claims = new Map(said.map((text) => [stemsOf(language(shorten(text, CHARACTERS_MAX.entity))), text]));
  claims.delete("");
  if (claims.size === 0) return { score: 0, reasons: "The analysis names no topic and no entity." };

  const sentences = later.flatMap((text) => text.sentences);
  const heard = sentences.map((sentence) => ` ${stemsOf([sentence])} `).join("\n");
  const held = [...claims].filter(([stems]) => heard.includes(` ${stems} `)).map(([, text]) => text);
  const before = rounded(Math.max(-1, Math.min(1, analysis.sentiment)));
  const after = sentimentOf(sentences);
  const mood = 1 - Math.abs(before - after) / 2;
  const score = (held.length / claims.size) * (1 - MOOD_SHARE + MOOD_SHARE * mood);

  const named = held.slice(0, NAMED_MAX).map((text) => shorten(text, 40));
  const names = held.length === 0 ? "" : ` (${named.join(", ")}${held.length > NAMED_MAX ? ", …" : ""})`;
  const count = `${held.length} of ${claims.size} topics and entities came up again${names}`;
  return { score: rounded(score), reasons: `${count}; sentiment went from ${before} to ${after}.` };
}

function stemsOf(sentences: readonly Sentence[]): string {
  return sentences.flatMap(({ words }) => words.map(({ stem }) => stem.toLowerCase())).join(" ");
}
