// A text model behind an OpenAI-compatible chat-completions endpoint: hosted ones, and those one runs oneself.
import type { Analysis, Spoken, TextModel } from "../../ports/text-model.ts";
import type { RequestFetch } from "../broker/proxy-call.ts";
import { type AnswerKind, analysisAnswer, evaluationAnswer, summaryAnswer } from "./openai-answer.ts";
import { chatCaller } from "./openai-call.ts";
import {
  CHARACTERS_MAX,
  EMPTY_ANALYSIS,
  EMPTY_EVALUATION,
  EMPTY_SUMMARY,
  LIST_MAX,
  newestThatFit,
  shorten,
  throwIfCancelled,
} from "./room.ts";

/** How to reach the endpoint, and its bounds. */
export interface OpenaiOptions {
  /** Address below which `/chat/completions` lies, for example `https://api.openai.com/v1`. No user or password in it. */
  readonly url: string;
  /** The model's name at the endpoint. */
  readonly model: string;
  /** Sent as a Bearer token; endpoints of one's own often need none. */
  readonly apiKey?: string;
  readonly fetch: RequestFetch;
  /** One call with all its attempts. Default 30,000. */
  readonly timeoutMs?: number;
  /** Requests of one call. Default 2. */
  readonly attempts?: number;
  /** Characters of texts that one call sends, 50 added for each text. Default 60,000, about 15,000 tokens. */
  readonly inputCharactersMax?: number;
  /** Tokens that an answer may take. Default 1,000. */
  readonly outputTokensMax?: number;
  /** Bytes of an answer that are read before it is given up. Default 1 MiB. */
  readonly answerBytesMax?: number;
}

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 2;
const INPUT_CHARACTERS_MAX = 60_000;
const OUTPUT_TOKENS_MAX = 1_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * A text model at an OpenAI-compatible endpoint. Answers are asked for by a JSON schema and believed only when they keep
 * it: broken JSON, another shape, an empty summary or ids that were not given are failures. Throws a TypeError for an
 * address or a key that can never work; nothing is sent before a method is called with texts.
 */
export function openaiTextModel(options: OpenaiOptions): TextModel {
  const inputCharactersMax = options.inputCharactersMax ?? INPUT_CHARACTERS_MAX;
  const call = chatCaller({
    url: options.url,
    model: options.model,
    apiKey: options.apiKey,
    fetch: options.fetch,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    attempts: options.attempts ?? ATTEMPTS,
    outputTokensMax: options.outputTokensMax ?? OUTPUT_TOKENS_MAX,
    answerBytesMax: options.answerBytesMax ?? ANSWER_BYTES_MAX,
  });
  const spoken = <Answer>(answer: Answer): Spoken<Answer> => ({
    ...answer,
    model: `openai-compatible/${options.model}`,
  });
  const ask = async <Answer>(kind: AnswerKind<Answer>, input: object, signal: AbortSignal | undefined) => {
    const request = {
      messages: [
        { role: "system", content: kind.instructions },
        { role: "user", content: JSON.stringify(input) },
      ],
      response_format: { type: "json_schema", json_schema: { name: kind.name, strict: true, schema: kind.asked() } },
    };
    return spoken(await call(kind.action, request, kind.check, signal));
  };

  return {
    async summarize(texts, signal) {
      throwIfCancelled("summarize", signal);
      const fitting = newestThatFit(texts, inputCharactersMax);
      if (fitting.length === 0) return spoken(EMPTY_SUMMARY);
      return ask(summaryAnswer(fitting.map(({ id }) => id)), { texts: fitting }, signal);
    },
    async analyze(texts, signal) {
      throwIfCancelled("analyze", signal);
      const fitting = newestThatFit(texts, inputCharactersMax);
      if (fitting.length === 0) return spoken(EMPTY_ANALYSIS);
      return ask(analysisAnswer, { texts: fitting }, signal);
    },
    async evaluate(analysis, later, signal) {
      throwIfCancelled("evaluate", signal);
      const fitting = newestThatFit(later, inputCharactersMax);
      if (fitting.length === 0) return spoken(EMPTY_EVALUATION);
      return ask(evaluationAnswer, { analysis: bounded(analysis), later: fitting }, signal);
    },
  };
}

/** Analyses come from the graph, where others may have written them: they get no more room than our own. */
function bounded({ topics, sentiment, entities, questions }: Analysis): Analysis {
  return {
    topics: topics.slice(0, LIST_MAX).map((topic) => shorten(topic, CHARACTERS_MAX.topic)),
    sentiment,
    entities: entities.slice(0, LIST_MAX).map(({ text, type }) => ({
      text: shorten(text, CHARACTERS_MAX.entity),
      type: shorten(type, CHARACTERS_MAX.entityType),
    })),
    questions: questions.slice(0, LIST_MAX).map((question) => shorten(question, CHARACTERS_MAX.question)),
  };
}
