// `tidegate discard`: gives parked records up for good; what they asked for is never done.
import { defineCommand } from "citty";
import { decide, decisionArguments } from "./decide.ts";

export const discard = defineCommand({
  meta: { name: "discard", description: "Give parked records up: what they asked for is never done" },
  args: decisionArguments,
  run: ({ args }): Promise<number> => decide({ name: "discard", done: "discarded" }, args),
});
