// Reads texts for the local model: cut into pieces a language model gets through quickly, with room for others between.
import type { SourceText } from "../../ports/text-model.ts";

/** One word, number or mark. */
export interface Word {
  /** As written. */
  readonly text: string;
  /** Lower case, with one spelling. */
  readonly normal: string;
  readonly stem: string;
  /** Universal part of speech: `NOUN`, `PROPN`, … */
  readonly wordClass: string;
  /** A word that says what a sentence is about: neither a mark nor a stop word. */
  readonly content: boolean;
}

/** One sentence. */
export interface Sentence {
  readonly text: string;
  /** From -1 (negative) to 1 (positive). */
  readonly sentiment: number;
  /** Dates, sums, addresses and the like, as written. */
  readonly entities: readonly { readonly text: string; readonly type: string }[];
  readonly words: readonly Word[];
}

/** A text as read. */
export interface ReadText {
  readonly id: string;
  readonly role: string | null;
  readonly sentences: readonly Sentence[];
}

/** Tells the sentences of a piece of text. */
export type Language = (text: string) => Sentence[];

/** Longer runs without a space are no words; reading one takes time that grows with the square of its length. */
export const WORD_CHARACTERS_MAX = 100;
const PIECE_CHARACTERS_MAX = 500;
/** Read without a pause: about a millisecond for common texts, ten for the worst. */
const SLICE_CHARACTERS_MAX = 1_000;
/** What a text costs beside its characters, so that many short ones are a slice as well. */
const TEXT_CHARACTERS_MIN = 50;
const LONG_RUN = new RegExp(`\\S{${WORD_CHARACTERS_MAX + 1}}`);
const LAST_SENTENCE_END = /^[\s\S]*[.!?\n]\s/;
const LAST_SPACE = /^[\s\S]*\s/;

/** Reads texts in slices; `pause` is called between them and may throw. */
export async function inSlices(
  language: Language,
  texts: readonly SourceText[],
  pause: () => void,
): Promise<ReadText[]> {
  const read: ReadText[] = [];
  let slice = 0;
  for (const { id, role, text } of texts) {
    const sentences: Sentence[] = [];
    for (const piece of piecesOf(text)) {
      const cost = Math.max(piece.length, TEXT_CHARACTERS_MIN);
      if (slice + cost > SLICE_CHARACTERS_MAX) {
        await new Promise<void>(atEndOfTurn);
        pause();
        slice = 0;
      }
      slice += cost;
      sentences.push(...language(piece).filter((sentence) => sentence.text.trim() !== ""));
    }
    read.push({ id, role, sentences });
  }
  return read;
}

/** Cuts a text at ends of sentences where it can, at spaces where it must, and long runs wherever they are too long. */
export function* piecesOf(text: string): Generator<string> {
  let from = 0;
  while (from < text.length) {
    const piece = pieceOf(text.slice(from, from + PIECE_CHARACTERS_MAX), from + PIECE_CHARACTERS_MAX >= text.length);
    yield piece;
    from += piece.length;
  }
}

function pieceOf(window: string, last: boolean): string {
  const run = LONG_RUN.exec(window)?.index;
  if (run === 0) return window.slice(0, WORD_CHARACTERS_MAX).replace(/[\ud800-\udbff]$/, "");
  if (run !== undefined) return window.slice(0, run);
  if (last) return window;
  return (LAST_SENTENCE_END.exec(window) ?? LAST_SPACE.exec(window))![0];
}

/** Node's setImmediate lets what has arrived go first; elsewhere a timer comes closest. */
function atEndOfTurn(run: () => void): void {
  if (typeof setImmediate === "function") setImmediate(run);
  else setTimeout(run);
}
