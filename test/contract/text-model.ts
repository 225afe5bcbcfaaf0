// What every text model has to keep, as src/ports/text-model.ts says it. Run over each adapter and each decorator.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { findUnstorable, type Json } from "../../src/domain/json.ts";
import type { Analysis, SourceText, TextModel } from "../../src/ports/text-model.ts";

/** A model that reads at most 2,000 characters. */
export interface TextModelUnderTest extends AsyncDisposable {
  readonly model: TextModel;
}

/** What this model can do; a missing ability is skipped aloud. */
export interface TextModelAbilities {
  /** The same input gives the same answer, byte for byte, whatever was asked before. */
  readonly deterministic: boolean;
}

/** Texts of two who take turns. */
export function turns(...texts: readonly string[]): SourceText[] {
  return texts.map((text, i) => ({ id: `m${i}`, role: i % 2 === 0 ? "user" : "assistant", text }));
}

const TALK = turns(
  "I moved to Provo last week and I love the pizza here.",
  "Which pizza place do you like best in Provo?",
  "The one with the wood oven. Do you know Burger Supreme?",
);
const ANALYSIS: Analysis = {
  topics: ["pizza", "violin"],
  sentiment: 0.4,
  entities: [{ text: "Provo", type: "PLACE" }],
  questions: [],
};
const NOTHING = {
  summary: { text: "", restsOn: [] },
  analysis: { topics: [], sentiment: 0, entities: [], questions: [] },
  evaluation: { score: 0, reasons: "" },
};
/** What a language model may stumble over. */
const ODD: [string, string][] = [
  ["emoji", "👨‍👩‍👧‍👦🎉 ".repeat(30)],
  ["another script", "今天天气很好，我们去公园散步吧。".repeat(40)],
  ["one endless word", "a".repeat(5_000)],
  ["marks alone", "?!… --- ,,, ((( ///"],
  ["names of object members", "constructor __proto__ toString hasOwnProperty"],
  ["many kinds of space", "a\u00a0b\u2003c\u200bd\r\n\te"],
  ["surrogate pairs at every cut", `x${"😀".repeat(3_000)}`],
  ["JSON", '{"texts":[{"id":"m0"}],"restsOn":["m9"]}'],
];

/** Holds a text model to its contract. `make` is called once per test. */
export function textModelContract(
  name: string,
  make: () => Promise<TextModelUnderTest>,
  abilities: TextModelAbilities,
): void {
  describe(`${name} as a text model`, () => {
    shapeCases(make);
    boundCases(make);
    abortCases(make);
    for (const [title, run] of determinismCases(make)) {
      it(title, async (context) => {
        if (!abilities.deterministic) {
          console.log(`skipped: deterministic (${name})`);
          context.skip();
        }
        await run();
      });
    }
  });
}

function shapeCases(make: () => Promise<TextModelUnderTest>): void {
  it("summarize() says something and rests on texts it was given, in their order", async () => {
    await using bundle = await make();
    const summary = await bundle.model.summarize(TALK);
    expectSummary(summary, TALK);
    expect(Object.keys(summary).toSorted()).toEqual(["model", "restsOn", "text"]);
  });

  it("analyze() answers its four parts and the model's name", async () => {
    await using bundle = await make();
    const analysis = await bundle.model.analyze(TALK);
    expectAnalysis(analysis);
    expect(Object.keys(analysis).toSorted()).toEqual(["entities", "model", "questions", "sentiment", "topics"]);
    expect(analysis.topics).toContain("pizza");
  });

  it("evaluate() answers a score from 0 to 1 and says why", async () => {
    await using bundle = await make();
    const { score, reasons, model } = await bundle.model.evaluate(ANALYSIS, TALK);
    expect(score).toBeGreaterThan(0);
    expect(score).toBeLessThanOrEqual(1);
    expect(reasons.trim()).not.toBe("");
    expect(model).not.toBe("");
  });

  it.each([
    ["no text", []],
    ["blank texts", turns("", " \n\t ")],
  ])("answers nothing to %s", async (_, texts) => {
    await using bundle = await make();
    expect(await bundle.model.summarize(texts)).toEqual({ ...NOTHING.summary, model: expect.any(String) });
    expect(await bundle.model.analyze(texts)).toEqual({ ...NOTHING.analysis, model: expect.any(String) });
    expect(await bundle.model.evaluate(ANALYSIS, texts)).toEqual({ ...NOTHING.evaluation, model: expect.any(String) });
  });

  it.each(ODD)("keeps its shapes for %s", async (_, text) => {
    await using bundle = await make();
    const texts = [{ id: "__proto__", role: null, text }];
    expectSummary(await bundle.model.summarize(texts), texts);
    expectAnalysis(await bundle.model.analyze(texts));
    const { score } = await bundle.model.evaluate({ ...ANALYSIS, topics: [text] }, texts);
    expect(score).toBeGreaterThanOrEqual(0);
    expect(score).toBeLessThanOrEqual(1);
  });
}

function boundCases(make: () => Promise<TextModelUnderTest>): void {
  it("cuts from the front what does not fit, and rests on no text that was cut", async () => {
    await using bundle = await make();
    const long = Array.from({ length: 40 }, (_, i) => `Day ${i}: we talked about pizza and violins for a long while.`);
    const texts = turns(...long);
    const { restsOn } = await bundle.model.summarize(texts);
    expect(restsOn).not.toContain("m0");
    expect(restsOn).toContain("m39");
  });

  it("reads nothing from before a text that does not fit", async () => {
    await using bundle = await make();
    const { restsOn } = await bundle.model.summarize(
      turns("Pizza is good.", "pizza ".repeat(1_000), "Violins are loud."),
    );
    expect(restsOn).toEqual(["m2"]);
  });

  it("reads the end of a single text that does not fit", async () => {
    await using bundle = await make();
    const texts = [{ id: "m0", role: "user", text: "Pizza is good. ".repeat(1_000) }];
    expectSummary(await bundle.model.summarize(texts), texts);
  });

  it("analyze() keeps its lists to twenty entries", async () => {
    await using bundle = await make();
    const names = ["Anna", "Boston", "Chicago", "Denver", "Elena", "Florida", "Geneva", "Houston", "India", "Japan"];
    const cities = ["Kenya", "London", "Madrid", "Nevada", "Oslo", "Paris", "Quebec", "Russia", "Spain", "Texas"];
    const all = [...names, ...cities, "Utah", "Vienna", "Warsaw", "Zurich"];
    expectAnalysis(await bundle.model.analyze(turns(all.map((name) => `Is it in ${name}?`).join(" "))));
  });
}

function abortCases(make: () => Promise<TextModelUnderTest>): void {
  const calls: [string, (model: TextModel, signal: AbortSignal) => Promise<unknown>][] = [
    ["summarize", (model, signal) => model.summarize(TALK, signal)],
    ["analyze", (model, signal) => model.analyze(TALK, signal)],
    ["evaluate", (model, signal) => model.evaluate(ANALYSIS, TALK, signal)],
  ];
  it.each(calls)("%s() does nothing for a caller that has given up", async (action, call) => {
    await using bundle = await make();
    const error = await call(bundle.model, AbortSignal.abort()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: "model_unavailable", message: `Cannot ${action}: cancelled` });
  });

  it("ends when its caller gives up in the middle", async () => {
    await using bundle = await make();
    const controller = new AbortController();
    const long = turns(...Array.from({ length: 25 }, () => "Pizza is good and I like it."));
    const answer = bundle.model.summarize(long, controller.signal).catch((thrown: unknown) => thrown);
    controller.abort();
    expect(await answer).toMatchObject({ code: "model_unavailable", message: "Cannot summarize: cancelled" });
  });
}

function determinismCases(make: () => Promise<TextModelUnderTest>): [string, () => Promise<void>][] {
  // A reader who remembers "x.y" cuts "x.y." otherwise: so one such word is told before, and one is not.
  const told = (word: string) => turns(`I saw ${word}. already?`, `Have you seen ${word}. in Provo?`);
  const others = turns("I know x.y well.", ...ODD.map(([, text]) => text), "x.y is known to me, says x.y.");
  const ask = async (model: TextModel, texts = told("x.y")): Promise<string> =>
    JSON.stringify([await model.summarize(texts), await model.analyze(texts), await model.evaluate(ANALYSIS, texts)]);
  return [
    [
      "gives the same answer after other questions",
      async () => {
        await using bundle = await make();
        const unheard = await ask(bundle.model, told("v.w"));
        await bundle.model.summarize(others);
        expect((await ask(bundle.model)).replaceAll("x.y", "v.w")).toBe(unheard);
      },
    ],
    [
      "gives the same answers side by side as one after the other",
      async () => {
        await using bundle = await make();
        const alone = await ask(bundle.model);
        const [one, , two] = await Promise.all([ask(bundle.model), bundle.model.analyze(others), ask(bundle.model)]);
        expect([one, two]).toEqual([alone, alone]);
      },
    ],
  ];
}

function expectSummary({ text, restsOn }: { text: string; restsOn: readonly string[] }, given: SourceText[]): void {
  expect(text.trim()).not.toBe("");
  expect(text.length).toBeLessThanOrEqual(4_000);
  expect(findUnstorable(text)).toBeNull();
  expect(restsOn.length).toBeGreaterThan(0);
  const named = new Set(restsOn);
  expect(restsOn).toEqual(given.map(({ id }) => id).filter((id) => named.has(id)));
}

function expectAnalysis({ topics, sentiment, entities, questions }: Analysis): void {
  for (const list of [topics, entities, questions]) expect(list.length).toBeLessThanOrEqual(20);
  for (const text of [...topics, ...questions, ...entities.flatMap((entity) => [entity.text, entity.type])]) {
    expect(text.trim()).not.toBe("");
    expect(text.length).toBeLessThanOrEqual(400);
  }
  expect(Math.abs(sentiment)).toBeLessThanOrEqual(1);
  expect(findUnstorable({ topics, entities, questions } as unknown as Json)).toBeNull();
}
