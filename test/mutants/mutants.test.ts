// Every mutant still changes something: whoever moves a line that one names learns it here.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { mutants } from "./mutants.ts";

it.each(mutants.map(({ rule, name, file, find }) => ({ rule, name, file, find })))(
  "$rule $name: its text stands once in src/$file",
  ({ file, find }) => {
    const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
    expect(text.split(find)).toHaveLength(2);
  },
);
