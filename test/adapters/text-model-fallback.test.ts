// Who answers when the first model does not.
import { describe, expect, it } from "vitest";
import { withLocalFallback } from "../../src/adapters/text-model/with-local-fallback.ts";
import { AppError } from "../../src/domain/errors.ts";
import type { TextModel } from "../../src/ports/text-model.ts";
import { turns } from "../contract/text-model.ts";

const TEXTS = turns("Hello.");
const ANALYSIS = { topics: [], sentiment: 0, entities: [], questions: [] };
const UNAVAILABLE = new AppError("model_unavailable", "Cannot summarize: the endpoint answered 500");

function naming(model: string): TextModel {
  return {
    summarize: async () => ({ text: "t", restsOn: [], model }),
    analyze: async () => ({ ...ANALYSIS, model }),
    evaluate: async () => ({ score: 0, reasons: "r", model }),
  };
}
function throwing(error: unknown): TextModel {
  const fail = async () => Promise.reject(error);
  return { summarize: fail, analyze: fail, evaluate: fail };
}
async function speakers(model: TextModel): Promise<string[]> {
  const answers = [await model.summarize(TEXTS), await model.analyze(TEXTS), await model.evaluate(ANALYSIS, TEXTS)];
  return answers.map((answer) => answer.model);
}

describe("withLocalFallback()", () => {
  it("asks the first alone while it answers", async () => {
    const errors: AppError[] = [];
    const model = withLocalFallback(naming("first"), throwing(new Error("asked")), (error) => errors.push(error));
    expect(await speakers(model)).toEqual(["first", "first", "first"]);
    expect(errors).toEqual([]);
  });

  it("asks the second when the first cannot be had, and tells each time", async () => {
    const errors: AppError[] = [];
    const model = withLocalFallback(throwing(UNAVAILABLE), naming("second"), (error) => errors.push(error));
    expect(await speakers(model)).toEqual(["second", "second", "second"]);
    expect(errors).toEqual([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]);
  });

  it.each([new AppError("internal", "a bug"), new Error("a bug")])("hides no other error: %s", async (error) => {
    const model = withLocalFallback(throwing(error), naming("second"), () => expect.fail("told"));
    await expect(model.summarize(TEXTS)).rejects.toBe(error);
  });

  it("asks nobody else for a caller that has given up", async () => {
    const model = withLocalFallback(throwing(UNAVAILABLE), naming("second"), () => expect.fail("told"));
    await expect(model.summarize(TEXTS, AbortSignal.abort())).rejects.toBe(UNAVAILABLE);
  });
});
