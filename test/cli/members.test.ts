import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSplitter, type Member, SplitError } from "../../src/cli/import/members.ts";

function split(chunks: readonly Uint8Array[], memberBytesMax = 1_000_000): Member[] {
  const splitter = createSplitter({ memberBytesMax });
  const members = chunks.flatMap((chunk) => splitter.feed(chunk));
  splitter.finish();
  return members;
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

describe("createSplitter()", () => {
  test("gives the same members for any chunks, whatever the strings hold", () => {
    const name = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', "\\", '\\"', "}{", ",:", "ü€😀", ""));
    const object = fc.dictionary(name, fc.jsonValue({ stringUnit: "binary" }), { noNullPrototype: true });
    fc.assert(
      fc.property(
        object,
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.constantFrom(undefined, 1),
        (value, places, indent) => {
          const members = split(cut(Buffer.from(JSON.stringify(value, undefined, indent)), places));
          expect(members.map(({ name }) => name)).toEqual(Object.keys(value));
          for (const { name, value: text } of members)
            expect(JSON.parse(text!)).toEqual(JSON.parse(JSON.stringify(value[name])));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("gives the same members byte by byte", () => {
    const bytes = Buffer.from(' {"a\\"}": [1, {"b": "]}\\\\"}] , "é": "x" ,"n":-1.5e3}\n');
    const whole = split([bytes]);
    expect(whole).toEqual([
      { name: 'a"}', value: '[1, {"b": "]}\\\\"}] ' },
      { name: "é", value: '"x" ' },
      { name: "n", value: "-1.5e3" },
    ]);
    expect(split(cut(bytes, [...bytes.keys()]))).toEqual(whole);
  });

  test("passes over a member that is too large, and goes on", () => {
    const bytes = Buffer.from(`{"big":"${"x".repeat(100)}","small":1}`);
    for (const chunks of [[bytes], cut(bytes, [...bytes.keys()])]) {
      const [big, small] = split(chunks, 50);
      expect(big).toMatchObject({ name: "big", value: null, fault: "It is larger than 50 bytes" });
      expect(small).toEqual({ name: "small", value: "1" });
    }
  });

  test("passes over a member that is not UTF-8", () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('","b":2}')]);
    expect(split([bytes])).toEqual([
      { name: "a", value: null, fault: "It is not UTF-8" },
      { name: "b", value: "2" },
    ]);
  });

  test.each([
    "",
    " ",
    "[]",
    '{"a":1',
    '{"a":1,',
    '{"a"',
    '{"a":1}}',
    "{a:1}",
    '{"a":1]',
    '{"a":1} {',
    '{"\n":1}',
    '{,"a":1}',
  ])("refuses %j", (text) => {
    expect(() => split([Buffer.from(text)])).toThrow(SplitError);
  });
});
