// What texts are about: their nouns, their mood, what they name, and what they ask last.
import type { Analysis } from "../../ports/text-model.ts";
import { type ReadText, type Sentence, WORD_CHARACTERS_MAX, type Word } from "./local-read.ts";
import { CHARACTERS_MAX, LIST_MAX, rounded, shorten } from "./room.ts";

/** Words of a phrase; longer runs of nouns are lists without commas. */
const PHRASE_WORDS_MAX = 3;
const TOPICS_MAX = 10;
/** Where one party alone speaks nobody can be seen to answer: only the last texts count as open. */
const LAST_TEXTS = 3;
/** What chats write and the model takes for nouns. */
const NO_NOUNS = new Set(
  `aint alright aw btw cant couldnt cuz didnt doesnt dont dude gonna gotta hadnt hasnt havent heck hes hey huh idk ill im
  isnt ive jk lets lol lot lots nah nope oh ok okay omg ooh ouch pls shes shouldnt sorry stuff thanks thats theres theyre
  thing things thx ugh wanna wasnt werent whats whoa woah wont wouldnt wow yall yay yeah yep yes youre`.split(/\s+/),
);
const LAUGHTER = /^(?:a?(?:ha)+h?|h?m+|h+e+l+o+|h+i+|he+y+|o+h+|no+|a+w+|(?:he)+)$/;

/** The analysis of texts. Order: how often, then code units; questions: the newest text's first. */
export function analysisOf(texts: readonly ReadText[]): Analysis {
  const sentences = texts.flatMap((text) => text.sentences);
  return {
    topics: topicsOf(sentences),
    sentiment: sentimentOf(sentences),
    entities: entitiesOf(sentences),
    questions: questionsOf(texts),
  };
}

/** The mean over sentences, from -1 to 1. */
export function sentimentOf(sentences: readonly Sentence[]): number {
  if (sentences.length === 0) return 0;
  const sum = sentences.reduce((total, { sentiment }) => total + sentiment, 0);
  return rounded(Math.max(-1, Math.min(1, sum / sentences.length)));
}

function topicsOf(sentences: readonly Sentence[]): string[] {
  const tally = new Tally();
  for (const { words } of sentences) {
    for (const run of runsOf(words, isNoun)) {
      if (run.length > PHRASE_WORDS_MAX) continue;
      const text = run.map(({ normal }) => normal).join(" ");
      if (text.length <= CHARACTERS_MAX.topic) tally.add(run.map(({ stem }) => stem).join(" "), text);
    }
  }
  return tally.mostFrequent(TOPICS_MAX);
}

function entitiesOf(sentences: readonly Sentence[]): Analysis["entities"] {
  const tally = new Tally();
  const names = sentences.flatMap(namesOf);
  const sure = new Set(names.filter((name) => name.sure).map(({ text }) => text));
  for (const { text } of names.filter((name) => sure.has(name.text))) tally.add(`NAME ${text}`, `NAME ${text}`);
  for (const { text, type } of sentences.flatMap(({ entities }) => entities)) {
    // A run that was cut because of its length would be a wrong address.
    if (text.length < WORD_CHARACTERS_MAX) tally.add(`${type} ${text}`, `${type} ${text}`);
  }
  return tally.mostFrequent(LIST_MAX).map((each) => {
    const [type, ...text] = each.split(" ");
    return { text: text.join(" "), type: type! };
  });
}

/** Names of a sentence. One capital at its start proves nothing: such a name counts when it stands elsewhere as well. */
function namesOf({ words }: Sentence): { text: string; sure: boolean }[] {
  const runs = runsOf(words, isCapitalised).filter((run) => run.length <= PHRASE_WORDS_MAX);
  return runs
    .filter((run) => run.some(({ wordClass }) => wordClass === "PROPN"))
    .map((run) => ({ text: run.map(({ text }) => text).join(" "), sure: run.length > 1 || run[0] !== words[0] }))
    .filter(({ text }) => text.length <= CHARACTERS_MAX.entity);
}

function questionsOf(texts: readonly ReadText[]): string[] {
  const roles = new Set(texts.map(({ role }) => role));
  const last = texts.at(-1)?.role ?? null;
  const answered = roles.size > 1 && last !== null ? texts.findLastIndex(({ role }) => role !== last) + 1 : undefined;
  const open = texts.slice(answered ?? -LAST_TEXTS).toReversed();
  const questions = open.flatMap(({ sentences }) =>
    sentences
      .map(({ text }) => text.replace(/\s+/g, " ").trim())
      .filter((text) => /\p{L}.*\?["')\]]*$/u.test(text))
      .map((text) => shorten(text, CHARACTERS_MAX.question)),
  );
  return [...new Set(questions)].slice(0, LIST_MAX);
}

/** Runs of neighbouring words that `belongs` accepts. */
function runsOf(words: readonly Word[], belongs: (word: Word) => boolean): Word[][] {
  const runs: Word[][] = [[]];
  for (const word of words) {
    if (belongs(word)) runs.at(-1)!.push(word);
    else if (runs.at(-1)!.length > 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

function isNoun({ content, wordClass, normal }: Word): boolean {
  const noun = content && (wordClass === "NOUN" || wordClass === "PROPN") && /\p{L}.*\p{L}/u.test(normal);
  return noun && !/['’]/.test(normal) && !NO_NOUNS.has(normal) && !LAUGHTER.test(normal);
}

function isCapitalised(word: Word): boolean {
  return /^\p{Lu}/u.test(word.text) && isNoun(word);
}

/** Counts under a key; the first way it was written stands for all. */
class Tally {
  readonly #entries = new Map<string, { readonly text: string; count: number }>();

  add(key: string, text: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, { text, count: 1 });
    else entry.count++;
  }

  mostFrequent(max: number): string[] {
    const sorted = [...this.#entries.values()].sort(
      (a, b) => b.count - a.count || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
    );
    return sorted.slice(0, max).map(({ text }) => text);
  }
}
