// Answers by a model of this process when the one elsewhere cannot be had.
import { AppError } from "../../domain/errors.ts";
import type { TextModel } from "../../ports/text-model.ts";

/**
 * A text model that asks `primary`, and `fallback` when that throws `model_unavailable`; the answer's `model` tells who
 * spoke. `onFallback` gets the error each time. A call that its caller cancelled is not asked again.
 */
export function withLocalFallback(
  primary: TextModel,
  fallback: TextModel,
  onFallback: (error: AppError) => void,
): TextModel {
  const either = async <Answer>(
    signal: AbortSignal | undefined,
    ask: (model: TextModel) => Promise<Answer>,
  ): Promise<Answer> => {
    try {
      return await ask(primary);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "model_unavailable" || signal?.aborted === true) throw error;
      onFallback(error);
      return ask(fallback);
    }
  };
  return {
    summarize: (texts, signal) => either(signal, (model) => model.summarize(texts, signal)),
    analyze: (texts, signal) => either(signal, (model) => model.analyze(texts, signal)),
    evaluate: (analysis, later, signal) => either(signal, (model) => model.evaluate(analysis, later, signal)),
  };
}
