// What the local model says of a real conversation, and how it behaves beside others.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { localTextModel } from "../../src/adapters/text-model/local.ts";
import { piecesOf } from "../../src/adapters/text-model/local-read.ts";
import type { SourceText } from "../../src/ports/text-model.ts";
import { turns } from "../contract/text-model.ts";
import { CHITCHAT_EXCERPT } from "../support/chitchat.ts";

/** Two who talk of pizza, violins and avocados, 71 messages. */
const PIZZA = "d71b3a36-566d-4fce-9a72-8ab4ece8c0c0";
/** Two students, 260 messages. */
const STUDENTS = "3a70241f-6f7b-4b39-9d50-62ae894e8205";

const LOCAL = fileURLToPath(new URL("../../src/adapters/text-model/local.ts", import.meta.url));
const model = localTextModel();

function conversation(id: string): SourceText[] {
  const all = JSON.parse(gunzipSync(readFileSync(CHITCHAT_EXCERPT)).toString());
  const messages: { text: string; sender: string }[] = all[id].messages.flat();
  return messages.map(({ text, sender }, i) => ({ id: `m${i}`, role: sender, text }));
}

describe("a real conversation", () => {
  it("summarize() picks its telling sentences, in their order", async () => {
    const texts = conversation(PIZZA);
    const { text, restsOn } = await model.summarize(texts);
    expect(text).toBe(
      "Okay, I really like all the veggies and I didn't know that people got triggered by pineapple? " +
        "It's more chunks of italian meatballs, it's pretty good with white sauce and chicken and spinach/green veggies. " +
        "Thin crust is good but it's more likely to be burned, but I prefer it over too much dough. " +
        "Haha, I play violin and we've got our last concert coming up, so chewing gum right before rehearsal makes my " +
        "jaw tense up. " +
        "Sorry, I love orchestra but our rehearsals have been dragging on lately and I'm way too tired to school.",
    );
    expect(restsOn).toEqual(texts.map(({ id }) => id));
  });

  it("analyze() names what it is about, its mood and whom it names", async () => {
    const half = await model.analyze(conversation(PIZZA).slice(0, 35));
    expect(half.topics.slice(0, 6)).toEqual(["meatballs", "pizza", "chicken", "dough", "pineapple", "veggies"]);
    expect(half.sentiment).toBe(0.148);
    expect(half.entities).toEqual([{ text: "SOS", type: "NAME" }]);
    expect(half.questions).toEqual([]);
  });

  it("analyze() finds the names of a longer one", async () => {
    const { entities, topics } = await model.analyze(conversation(STUDENTS));
    expect(topics.slice(0, 4)).toEqual(["people", "dream", "mission", "philosophy"]);
    for (const text of ["BYU", "Facebook", "Trump", "Brazil"]) expect(entities).toContainEqual({ text, type: "NAME" });
  });

  it("evaluate() tells what came up again", async () => {
    const texts = conversation(STUDENTS);
    const analysis = await model.analyze(texts.slice(0, 130));
    const { score, reasons } = await model.evaluate(analysis, texts.slice(130));
    expect({ score, reasons }).toEqual({
      score: 0.226,
      reasons:
        "5 of 22 topics and entities came up again (people, sense, mission, Mom, ways); " +
        "sentiment went from 0.09 to 0.135.",
    });
  });
});

describe("rules", () => {
  it("a question is open until another speaks", async () => {
    const questions = async (texts: SourceText[]) => (await model.analyze(texts)).questions;
    const asked = turns("Hi there.", "How are you? Where do you live?");
    expect(await questions(asked)).toEqual(["How are you?", "Where do you live?"]);
    expect(await questions(turns("Hi there.", "How are you?", "Well."))).toEqual([]);
    const insisted = [...asked, { id: "m2", role: "assistant", text: "Are you there?" }];
    expect(await questions(insisted)).toEqual(["Are you there?", "How are you?", "Where do you live?"]);
  });

  it("of one who talks alone only the last texts ask", async () => {
    const alone = ["Why?", "Who is it?", "What now?", "Where to?"].map((text, i) => ({ id: `${i}`, role: null, text }));
    expect((await model.analyze(alone)).questions).toEqual(["Where to?", "What now?", "Who is it?"]);
  });

  it("names sums, days and addresses, the most frequent first, then by code unit", async () => {
    const texts = turns(
      "Write to bob@example.com or see https://x.org/a #fun.",
      "I paid $20 on May 3, 2020 to Anna. $20!",
    );
    expect((await model.analyze(texts)).entities).toEqual([
      { text: "$20", type: "MONEY" },
      { text: "May 3, 2020", type: "DATE" },
      { text: "bob@example.com", type: "EMAIL" },
      { text: "#fun", type: "HASHTAG" },
      { text: "Anna", type: "NAME" },
      { text: "https://x.org/a", type: "URL" },
    ]);
  });

  it("a capital at the start of a sentence alone makes no name", async () => {
    const named = async (text: string) => (await model.analyze(turns(text))).entities.map((entity) => entity.text);
    expect(await named("Pineapple is great.")).toEqual([]);
    expect(await named("Elena is great. I like Elena.")).toEqual(["Elena"]);
  });

  it("the same said twice is summarized once", async () => {
    const texts = turns("I love the pizza in Provo.", "I love the pizza in Provo!", "The violin concert is on Friday.");
    expect((await model.summarize(texts)).text).toBe("I love the pizza in Provo. The violin concert is on Friday.");
  });

  it("a summary stays short, even of one endless sentence", async () => {
    const { text } = await model.summarize(turns("pizza and violin and ".repeat(200), "I like pizza, ".repeat(200)));
    expect(text.length).toBeGreaterThan(100);
    expect(text.length).toBeLessThanOrEqual(600);
  });

  it.each([
    ["all", "Pizza! The violin is mine.", 1],
    ["half", "The violins were loud.", 0.5],
    ["none", "We talked about the weather.", 0],
  ])("evaluate() gives the share that came up, whatever its form: %s", async (_, text, share) => {
    const analysis = { topics: ["pizza", "violin"], sentiment: 0, entities: [], questions: [] };
    const { score } = await model.evaluate(analysis, turns(text));
    expect(score).toBeGreaterThanOrEqual(share * 0.8);
    expect(score).toBeLessThanOrEqual(share);
  });

  it("evaluate() takes another mood into account", async () => {
    const score = async (sentiment: number) =>
      (await model.evaluate({ topics: ["pizza"], sentiment, entities: [], questions: [] }, turns("I love pizza.")))
        .score;
    expect(await score(1)).toBeGreaterThan(await score(-1));
  });

  it("evaluate() of an analysis that says nothing is nothing", async () => {
    const empty = { topics: ["", " "], sentiment: 0, entities: [], questions: [] };
    const { score, reasons } = await model.evaluate(empty, turns("I love pizza."));
    expect({ score, reasons }).toEqual({ score: 0, reasons: "The analysis names no topic and no entity." });
  });
});

describe("beside others", () => {
  it("loads its language when it is first asked, not before", async () => {
    const script = `
      import { createRequire } from "node:module";
      import { localTextModel } from ${JSON.stringify(LOCAL)};
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("wink"));
      const model = localTextModel();
      const before = loaded();
      await model.summarize([{ id: "a", role: null, text: "Hello." }]);
      console.log(before, loaded());`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    expect(stdout.trim()).toBe("false true");
  });

  it("lets others run while it reads", async () => {
    await model.summarize(turns("Hello."));
    let turnsTaken = 0;
    let reading = true;
    const others = (): void => {
      turnsTaken++;
      if (reading) setImmediate(others);
    };
    others();
    await model.summarize(turns("Pizza is good and I like it. ".repeat(1_000)));
    reading = false;
    expect(turnsTaken).toBeGreaterThan(25);
  });

  it("cuts texts into pieces that are quickly read and lose nothing", () => {
    const texts = [
      "One sentence. ".repeat(200),
      "no end in sight ".repeat(200),
      "x".repeat(1_234),
      `short ${"😀".repeat(777)} short`,
      `${"word ".repeat(99)}${"y".repeat(101)} z`,
      "",
    ];
    for (const text of texts) {
      const pieces = [...piecesOf(text)];
      expect(pieces.join("")).toBe(text);
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(500);
        expect(piece).not.toMatch(/\S{101}/);
        expect(piece.isWellFormed()).toBe(true);
      }
    }
    expect([...piecesOf("One sentence. ".repeat(60))][0]).toMatch(/sentence\. $/);
  });
});
