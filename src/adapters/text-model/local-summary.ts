// An extractive summary: the sentences that say most often what the texts say, in the order they were said.
import type { SummaryText } from "../../ports/text-model.ts";
import type { ReadText, Sentence, Word } from "./local-read.ts";
import { shorten } from "./room.ts";

const SENTENCES_MAX = 5;
const SUMMARY_CHARACTERS_MAX = 600;
/** Short sentences would win by their length alone: "Pizza!" */
const LENGTH_ADDED = 20;
/** How much more the first sentence of all weighs than the last: people say at the start what they came for. */
const FIRST_ADDED = 0.2;
const TELLING = new Set(["NOUN", "PROPN", "VERB", "ADJ"]);

/** The best sentences of texts. It rests on every text that was read: each of them had a say in what is best. */
export function summaryOf(texts: readonly ReadText[]): SummaryText {
  const sentences = texts.flatMap((text) => text.sentences);
  const chosen: { readonly at: number; readonly text: string }[] = [];
  const said = new Set<string>();
  let room = SUMMARY_CHARACTERS_MAX;
  for (const { at, sentence } of bestFirst(sentences)) {
    const stems = sentence.words.filter(({ content }) => content).map(({ stem }) => stem);
    const key = stems.length > 0 ? stems.join(" ") : sentence.text;
    const text = shorten(asSentence(sentence.text), SUMMARY_CHARACTERS_MAX);
    if (said.has(key)) continue;
    // What would still fit is short, not telling.
    if (text.length > room) break;
    said.add(key);
    chosen.push({ at, text });
    room -= text.length + 1;
    if (chosen.length === SENTENCES_MAX) break;
  }
  const inOrder = chosen.sort((a, b) => a.at - b.at);
  return { text: inOrder.map(({ text }) => text).join(" "), restsOn: texts.map(({ id }) => id) };
}

function bestFirst(sentences: readonly Sentence[]): { at: number; score: number; sentence: Sentence }[] {
  const telling = sentences.map(({ words }) => new Set(words.filter(isTelling).map(({ stem }) => stem)));
  const counts = new Map<string, number>();
  for (const stems of telling) for (const stem of stems) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  const scored = sentences.map((sentence, at) => {
    let sum = 0;
    // The root keeps one word that is everywhere from deciding alone.
    for (const stem of telling[at]!) sum += Math.sqrt(counts.get(stem)!);
    const position = 1 + FIRST_ADDED * (1 - at / sentences.length);
    return { at, score: (sum / (sentence.words.length + LENGTH_ADDED)) * position, sentence };
  });
  return scored.sort((a, b) => b.score - a.score || a.at - b.at);
}

function isTelling({ content, wordClass, stem }: Word): boolean {
  return content && stem.length > 2 && TELLING.has(wordClass);
}

/** One line; a chat's sentence without an end gets one, so that it does not run into the next. */
function asSentence(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return /[\p{L}\p{N}]$/u.test(line) ? `${line}.` : line;
}
