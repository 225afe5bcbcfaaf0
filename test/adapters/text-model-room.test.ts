// Which texts a model is given: the newest that fit.
import { expect, it } from "vitest";
import { newestThatFit } from "../../src/adapters/text-model/room.ts";

it("a single text that fits but for what each text costs is given whole", () => {
  const texts = [{ id: "m0", role: "user", text: "0123456789".repeat(10) }];
  for (const room of [100, 101, 149, 150]) expect(newestThatFit(texts, room)).toEqual(texts);
  expect(newestThatFit(texts, 99)).toEqual([{ ...texts[0], text: texts[0]!.text.slice(1) }]);
});
