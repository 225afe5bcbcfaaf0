// What is read for a text model: as much as any model takes, whatever the entities hold.
import { expect, it } from "vitest";
import { UNTOUCHED } from "../../src/domain/state.ts";
import type { Seen, Surroundings } from "../../src/flows/outside.ts";
import { readTexts } from "../../src/flows/texts.ts";

const version = (i: number) => `0193af2c000${i}-0000-0000000000000000|o${i}`;

function message(i: number, characters: number): Seen {
  const content = [String(i).repeat(characters), version(i)] as const;
  const fields = { content, role: ["user", version(i)] as const, metadata: [{ large: true }, version(i)] as const };
  return { key: `default/Message/m${i}`, state: { ...UNTOUCHED, fields } };
}

/** A graph of messages, oldest first, and what it kept of them. */
function graphOf(messages: readonly Seen[]) {
  const kept: Seen[] = [];
  const graph: Surroundings = {
    entity: async () => undefined,
    async members(_target, kind, _field, { isWanted, pick }) {
      const wanted = messages.filter(({ key, state }) => key.includes(`/${kind}/`) && isWanted(state)).toReversed();
      kept.push(...wanted.map(({ key, state }) => ({ key, state: pick!(state) })).reverse());
      return kept;
    },
  };
  return { graph, kept };
}

it("the newest texts are kept whole, and of those that no model would take the versions alone", async () => {
  const { graph, kept } = graphOf(Array.from({ length: 6 }, (_, i) => message(i, 60_000)));
  const { texts, basis } = await readTexts(graph, "default/Session/s", "1");
  expect(texts.map(({ text }) => text.length)).toEqual([0, 0, 60_000, 60_000, 60_000, 60_000]);
  expect(basis.read).toEqual(Array.from({ length: 6 }, (_, i) => ["Message", `m${i}`, version(i)]));
  expect(texts[0]).toMatchObject({ id: "m0", role: "user" });
  for (const { state } of kept) expect(Object.keys(state.fields)).toEqual(["content", "role"]);
});
