import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { openLineFile } from "../../src/cli/import/line-file.ts";
import { openRejects } from "../../src/cli/import/rejects.ts";
import { tempFolder } from "../support/temp-folder.ts";

const disk = vi.hoisted(() => ({ takes: Number.POSITIVE_INFINITY, left: Number.POSITIVE_INFINITY }));

// A disk that is nearly full: it takes a part of a write, and says so by the number of bytes alone.
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const writeSync = (file: number, data: string | Buffer, position?: number): number => {
    const bytes = Buffer.from(data as string);
    const part = bytes.subarray(0, Math.min(disk.takes, disk.left));
    if (part.length === 0) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    disk.left -= part.length;
    return fs.writeSync(file, part, 0, part.length, position);
  };
  return { ...fs, writeSync };
});

test("lines are whole also when a write takes only a part of them", () => {
  using folder = tempFolder();
  Object.assign(disk, { takes: 7, left: 20 });
  const file = openLineFile(folder.path("lines"));
  file.add('{"text":"a tide"}');
  file.add('{"text":"€"}');
  expect(() => file.flush()).toThrow(/^Cannot write .*lines: the disk is full$/);
  Object.assign(disk, { takes: 7, left: Number.POSITIVE_INFINITY });
  file.add("{}");
  file.close();
  Object.assign(disk, { takes: Number.POSITIVE_INFINITY });
  expect(readFileSync(folder.path("lines"), "utf8")).toBe('{"text":"a tide"}\n{"text":"€"}\n{}\n');
});

test.each([
  ["whole", '{"a":1}\n', '{"a":1}\n'],
  ["torn", '{"a":1}\n{"b', '{"a":1}\n'],
  ["torn in its first line", '{"a', ""],
  ["torn in a long line", `{"a":1}\n{"b":"${"x".repeat(200_000)}`, '{"a":1}\n'],
  ["torn before the end of a line", '{"a":1}', '{"a":1}\n'],
  ["empty", "", ""],
])("goes on behind the last whole line of a file that is %s", (_, before, kept) => {
  using folder = tempFolder();
  writeFileSync(folder.path("lines"), before);
  const file = openLineFile(folder.path("lines"));
  file.add('{"c":3}');
  file.close();
  expect(readFileSync(folder.path("lines"), "utf8")).toBe(`${kept}{"c":3}\n`);
});

test("a file that holds something else is left as it is", () => {
  using folder = tempFolder();
  writeFileSync(folder.path("letter"), "Dear Ada");
  expect(() => openLineFile(folder.path("letter"))).toThrow(/letter: its last line is no JSON object; name another/);
  expect(readFileSync(folder.path("letter"), "utf8")).toBe("Dear Ada");
  openLineFile(folder.path("none")).close();
  expect(existsSync(folder.path("none"))).toBe(false);
});

test("rejects go on in a file that was torn, and none is in it twice", () => {
  using folder = tempFolder();
  const line = (number: number): string => `{"input":"a","line":${number},"reason":"r","original":1}\n`;
  writeFileSync(folder.path("rejects"), line(1) + line(2).slice(0, -9));
  const rejects = openRejects(folder.path("rejects"), "a", "go on");
  for (const number of [1, 2, 3]) rejects.add({ line: number }, "r", "1");
  rejects.close();
  expect(readFileSync(folder.path("rejects"), "utf8")).toBe(line(1) + line(2) + line(3));
});
