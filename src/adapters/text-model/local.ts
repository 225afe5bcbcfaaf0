// A text model in this process: deterministic, needs no network. The one place that knows wink-nlp.
import type { Document, ItemSentence, ItsHelpers, Model, WinkMethods } from "wink-nlp";
import { AppError } from "../../domain/errors.ts";
import type { SourceText, Spoken, TextModel } from "../../ports/text-model.ts";
import { analysisOf } from "./local-analysis.ts";
import { evaluationOf } from "./local-evaluation.ts";
import { inSlices, type Language, type Sentence } from "./local-read.ts";
import { summaryOf } from "./local-summary.ts";
import { newestThatFit, throwIfCancelled } from "./room.ts";

/** Bounds of the local model. */
export interface LocalOptions {
  /** Characters that one call reads, 50 added for each text. Default 200,000, which take about half a second. */
  readonly inputCharactersMax?: number;
}

const INPUT_CHARACTERS_MAX = 200_000;
/** The number rises when the same input may give another answer. */
const MODEL = "local/1 wink-nlp/2.4.0 wink-eng-lite-web-model/1.8.1";
const PIPE = ["sbd", "pos", "ner", "sentiment", "negation"];
/** What is worth naming; numbers, durations ("a year") and emoji are not. */
const ENTITY_TYPES = new Set(["DATE", "TIME", "MONEY", "PERCENT", "EMAIL", "URL", "HASHTAG", "MENTION"]);

/**
 * A text model on wink's English model. Extractive: what it says are sentences and words of the texts. The same input
 * gives the same answer, byte for byte, whatever was asked before. Nothing is loaded before the first call; the work is
 * done in slices of a few milliseconds, except for the loading itself.
 */
export function localTextModel(options: LocalOptions = {}): TextModel {
  const inputCharactersMax = options.inputCharactersMax ?? INPUT_CHARACTERS_MAX;
  const begin = async (action: string, signal: AbortSignal | undefined): Promise<Language> => {
    throwIfCancelled(action, signal);
    try {
      loading ??= load();
      return (await loading)();
    } catch (cause) {
      throw new AppError("model_unavailable", `Cannot ${action}: the local model does not load`, { cause });
    }
  };
  const read = async (action: string, texts: readonly SourceText[], signal: AbortSignal | undefined) => {
    const language = await begin(action, signal);
    const fitting = newestThatFit(texts, inputCharactersMax);
    return { language, read: await inSlices(language, fitting, () => throwIfCancelled(action, signal)) };
  };
  const spoken = <Answer>(answer: Answer): Spoken<Answer> => ({ ...answer, model: MODEL });

  return {
    async summarize(texts, signal) {
      return spoken(summaryOf((await read("summarize", texts, signal)).read));
    },
    async analyze(texts, signal) {
      return spoken(analysisOf((await read("analyze", texts, signal)).read));
    },
    async evaluate(analysis, later, signal) {
      const { language, read: texts } = await read("evaluate", later, signal);
      return spoken(evaluationOf(language, analysis, texts));
    },
  };
}

/** The parts of wink's core model that grow while it reads. */
interface Core {
  readonly features: Record<string, { readonly hash?: object; readonly list: unknown[]; readonly index?: number }>;
}

/** One for all: loading takes time and memory, and wink can do it only a few times in the life of a process. */
let loading: Promise<() => Language> | undefined;

async function load(): Promise<() => Language> {
  const [{ default: wink }, { default: model }] = await Promise.all([
    import("wink-nlp"),
    import("wink-eng-lite-web-model"),
  ]);
  const parts = onceEach(model);
  const core = parts.core() as Core;
  return () => {
    const methods = wink({ ...parts, core: () => withRoomOfItsOwn(core) }, PIPE);
    return (text) => sentencesOf(methods, methods.readDoc(text));
  };
}

/** wink's loaders work anew at every call; one of them even grows its text each time until it no longer fits. */
function onceEach(model: Model): Model & { core: () => unknown } {
  const parts: Record<string, unknown> = { ...model };
  for (const name of ["core", "sbd", "pos", "ner", "negation", "sa", "metaCER"]) {
    const part = (parts[name] as () => unknown)();
    parts[name] = () => part;
  }
  return parts as unknown as Model & { core: () => unknown };
}

/**
 * wink keeps every unknown word it meets, for ever, and cuts later texts otherwise because of it: once it has met "x.y",
 * "x.y." is two tokens instead of one. So each call gets a vocabulary above the shared one, and leaves it behind.
 */
function withRoomOfItsOwn(core: Core): Core {
  const features = Object.entries(core.features).map(([name, feature]) => {
    if (feature.hash === undefined || feature.index === undefined) return [name, feature];
    return [name, { ...feature, hash: Object.create(feature.hash), list: feature.list.slice() }];
  });
  return { ...core, features: Object.fromEntries(features) };
}

function sentencesOf({ its }: WinkMethods, document: Document): Sentence[] {
  const sentences: Sentence[] = [];
  document.sentences().each((sentence: ItemSentence) => {
    const tokens = sentence.tokens();
    const column = <Value>(read: ItsHelpers[keyof ItsHelpers]) => tokens.out(read as never) as Value[];
    const texts = tokens.out();
    const normals = column<string>(its.normal);
    const stems = column<string>(its.stem);
    const classes = column<string>(its.pos);
    const stops = column<boolean>(its.stopWordFlag);
    const types = column<string>(its.type);
    sentences.push({
      text: sentence.out(),
      sentiment: sentence.out(its.sentiment) as number,
      entities: (sentence.entities().out(its.detail) as { value: string; type: string }[])
        .filter(({ type }) => ENTITY_TYPES.has(type))
        .map(({ value, type }) => ({ text: value, type })),
      words: texts.map((text, i) => ({
        text,
        normal: normals[i]!,
        stem: stems[i]!,
        wordClass: classes[i]!,
        content: types[i] === "word" && !stops[i]!,
      })),
    });
  });
  return sentences;
}
