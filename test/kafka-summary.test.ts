// docs/kafka_summary.md names what is there: files, tests by their names, scripts and commands; and leaves out no row.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { flows } from "../src/flows/index.ts";

const root = resolve(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const text = read("docs/kafka_summary.md");
const { scripts } = JSON.parse(read("package.json")) as { scripts: { [name: string]: string } };

const LATER = /^comes with "([^"]+)"$/;

interface Row {
  readonly asked: string;
  readonly code: string;
  readonly test: string;
  readonly command: string;
}

const rows: Row[] = text
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (asked for|---)/.test(line))
  .map((line) => {
    const [asked, code, test, command] = line.split("|").slice(1, -1);
    return { asked: asked!.trim(), code: code!.trim(), test: test!.trim(), command: command!.trim() };
  });

const commands = new Set([...read("src/cli/main.ts").matchAll(/^ {2}(\w+): \{/gm)].map(([, name]) => name!));

/** What a row names that is not there. */
function missing({ asked, code, test, command }: Row): string[] {
  if (LATER.test(code))
    return test === "" && command === "" ? [] : [`${asked}: a row of a later issue has no test yet`];
  const files = [...code.matchAll(/`([^`]+)`/g)].map(([, path]) => path!);
  const [, testFile, name] = /^`([^`]+)` "(.+)"$/.exec(test) ?? [];
  const [, shown] = /^`([^`]+)`$/.exec(command) ?? [];
  const isCommand = shown?.startsWith("tidegate ")
    ? commands.has(shown.slice("tidegate ".length))
    : shown === "npm test" || Object.hasOwn(scripts, shown?.replace(/^npm run /, "") ?? "");
  return [
    ...(files.length === 0 ? [`${asked}: no code`] : []),
    ...files.filter((path) => !existsSync(join(root, path))),
    ...(testFile === undefined || !existsSync(join(root, testFile)) ? [`${asked}: no test file ${testFile}`] : []),
    ...(testFile !== undefined && !read(testFile).includes(name!) ? [`${asked}: no test "${name}"`] : []),
    ...(isCommand ? [] : [`${asked}: no command ${shown}`]),
  ];
}

describe("docs/kafka_summary.md", () => {
  it("names nothing that is not there", () => expect(rows.flatMap(missing)).toEqual([]));

  it("notices a file, a test or a command that is missing", () => {
    const row = {
      asked: "x",
      code: "`src/none.ts`",
      test: '`test/config.test.ts` "no such test"',
      command: "`npm run no`",
    };
    expect(missing(row)).toHaveLength(3);
  });

  it("has a row for every topic and every switch", () => {
    for (const {
      topic,
      switch: { variable },
    } of flows) {
      if (topic !== "events") expect(rows.map(({ asked }) => asked)).toContain(`Topic ${topic}`);
      expect(rows.map(({ asked }) => asked)).toContain(`\`${variable}\``);
    }
  });

  it("has a row for everything that both documents list", () => {
    // Counted in the documents: components 3, variables 8, configurations 1, fallback 2, topics 7, operation types 7,
    // tracing 2, errors 3, scaling 1; and services 4, producer 2, consumer 2, API 2, configuration 2, documents 4,
    // modes 2, features 5, structure 1, future 7.
    expect(rows).toHaveLength(34 + 31);
  });
});
