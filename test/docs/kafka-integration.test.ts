// docs/kafka_integration.md says what the code does, and links lead somewhere.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../src/config/kafka-url.ts";
import { variables } from "../../src/config/variables.ts";
import { parseConfig } from "../../src/config.ts";
import { flows } from "../../src/flows/index.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const text = read("docs/kafka_integration.md");

/** Rows of the table below a heading, cell by cell, without code marks. */
function table(heading: string): string[][] {
  const [, after] = text.split(`\n${heading}\n`);
  return [...after!.split(/\n## |\n### /)[0]!.matchAll(/^\| (.+) \|$/gm)]
    .slice(2)
    .map(([, row]) => row!.split(" | ").map((cell) => cell.replaceAll("`", "").trim()));
}

describe("docs/kafka_integration.md", () => {
  it("names every switch with its default", () => {
    const rows = table("### Environment variables").map(([variable, otherwise]) => [variable, otherwise]);
    const own = flows.map(({ switch: { variable, followsGlobal } }) => [
      variable,
      followsGlobal ? "ENABLE_KAFKA" : "false",
    ]);
    expect(rows).toEqual([["ENABLE_KAFKA", "true"], ...own]);
  });

  it("tells the truth about the switches", () => {
    const values = { "unset or true": [undefined, "true"], unset: [undefined], true: ["true"], false: ["false"] };
    const rows = table("### Switches");
    expect(rows).toHaveLength(4);
    for (const [all, own, is] of rows as [keyof typeof values, keyof typeof values, string][]) {
      for (const ENABLE_KAFKA of values[all]) {
        for (const KAFKA_SESSION_OPERATIONS of values[own]) {
          const { flowsOn } = parseConfig({ ENABLE_KAFKA, KAFKA_SESSION_OPERATIONS }, flows);
          expect(flowsOn.has("session") ? "on" : "off", `${ENABLE_KAFKA} ${KAFKA_SESSION_OPERATIONS}`).toBe(is);
        }
      }
    }
  });

  it("names every topic with its flow and the types that clients send", () => {
    const own = flows.map(({ name, topic, types }) => [
      topic,
      name,
      Object.entries(types)
        .filter(([, { internal }]) => internal !== true)
        .map(([type]) => type)
        .join(", "),
    ]);
    expect(table("## Topics")).toEqual(own);
  });

  it("names every dialect", () => {
    expect(table("## Proxies").map(([dialect]) => dialect)).toEqual([...DIALECTS]);
  });

  it("has examples that the configuration takes, and that do what their words say", () => {
    const on = [...text.matchAll(/^```env\n(.*?)^```$/gms)].map(([, env]) => [
      ...parseConfig(parseEnv(env!) as Record<string, string>, flows).flowsOn,
    ]);
    const names = flows.map(({ name }) => name);
    const some = ["chat-messages", "context-analysis", "session", "activity", "action"];
    expect(on).toEqual([names, [], some]);
  });
});

describe("the documents", () => {
  const documents = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];

  it.each(documents.filter((name) => name.endsWith(".md")))("%s: every link leads to a file that is there", (name) => {
    const links = [...read(name).matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path]) => path!);
    expect(links.filter((path) => !existsSync(join(root, dirname(name), path)))).toEqual([]);
  });

  it.each(["docs/kafka_integration.md", "docs/kafka_testing.md", "docs/write-an-adapter.md"])(
    "%s: every variable and file that it names is there",
    (name) => {
      const marked = [...read(name).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
      const known = [
        ...Object.keys(variables),
        ...flows.map((flow) => flow.switch.variable),
        "STACK_CACHE",
        "DIALECTS",
      ];
      const named = marked
        .map((code) => /^([A-Z][A-Z0-9_]{4,})(=\S*)?$/.exec(code)?.[1])
        .filter((code) => code !== undefined);
      expect(named.filter((variable) => !known.includes(variable) && variable !== "BACKWARD")).toEqual([]);
      const files = marked.filter((code) => /^(src|test|docs)\/[\w./-]+$/.test(code));
      expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    },
  );
});
