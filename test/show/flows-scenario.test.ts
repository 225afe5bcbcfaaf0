// The scenario of the show is a function of the file, and leaves out nothing that clients may send.
import { expect, test } from "vitest";
import { checkData, clientTypes } from "../../src/app/intake.ts";
import { flows } from "../../src/flows/index.ts";
import { CHITCHAT_EXCERPT } from "../support/chitchat.ts";
import { buildScenario } from "./flows-scenario.ts";

const steps = buildScenario(CHITCHAT_EXCERPT, 41);
const items = steps.flatMap((step) => step.items);

test("it has all twenty-one types of the eight flows, and data that each of them takes", () => {
  const types = flows.flatMap((flow) => clientTypes(flow).map((type) => `${flow.name}.${type}`));
  expect(types).toHaveLength(21);
  expect(new Set(items.map(({ flow, type }) => `${flow}.${type}`))).toEqual(new Set(types));
  for (const { flow, type, data } of items) {
    const sent: unknown = JSON.parse(JSON.stringify(data));
    expect(() => checkData(flows.find(({ name }) => name === flow)!.types[type]!, sent)).not.toThrow();
  }
});

test("it is the same every time, and names every entity and every key itself", () => {
  expect(buildScenario(CHITCHAT_EXCERPT, 41)).toEqual(steps);
  expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
  expect(items.filter(({ type, data }) => type !== "query" && data.id === undefined)).toEqual([]);
});

test("it waits for rest before it asks a model or the graph", () => {
  const asking = new Set(["generate", "analyze", "evaluate", "query"]);
  const asks = steps.filter((step) => step.items.some(({ type }) => asking.has(type)));
  expect(asks.map(({ name }) => name)).toEqual(["thoughts", "questions", "questions again"]);
  expect(asks.every(({ rest }) => rest)).toBe(true);
});
