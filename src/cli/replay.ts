// `tidegate replay`: gives parked records another try, as they are or edited.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { defineCommand } from "citty";
import { decide, decisionArguments, editedBody } from "./decide.ts";
import { Failure, fileReason, usageFailure } from "./failure.ts";

const args = {
  ...decisionArguments,
  edit: {
    type: "string",
    valueHint: "file",
    description: "Replay the one record with what the file holds as its value; - reads standard input",
  },
} as const;

export const replay = defineCommand({
  meta: { name: "replay", description: "Give parked records another try" },
  args,
  async run({ args }): Promise<number> {
    const { edit } = args;
    if (edit !== undefined && args.record === undefined) throw usageFailure("--edit is about one RECORD; name it");
    const body = edit === undefined ? undefined : editedBody(await readEdited(edit));
    return decide({ name: "replay", done: "replayed" }, args, body);
  },
});

async function readEdited(path: string): Promise<string> {
  if (path === "-") return text(process.stdin);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Failure(`Cannot read ${path}: ${fileReason(error)}`, { cause: error });
  }
}
