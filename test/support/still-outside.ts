// An outside world that answers at once and always the same: what it says depends on the request alone.
import type { Surroundings } from "../../src/flows/outside.ts";
import type { TextModel } from "../../src/ports/text-model.ts";
import type { Webhooks } from "../../src/ports/webhook.ts";

export const STILL_MODEL: TextModel = {
  summarize: async (texts) => ({ text: `${texts.length} texts`, restsOn: texts.map(({ id }) => id), model: "still" }),
  analyze: async (texts) => ({
    topics: texts.length === 0 ? [] : ["topic"],
    sentiment: 0,
    entities: [],
    questions: [],
    model: "still",
  }),
  evaluate: async (_, later) => ({
    score: later.length === 0 ? 0 : 1,
    reasons: `${later.length} texts`,
    model: "still",
  }),
};

/** Answers every call of the name `echo` with what it was sent, and fails for good under every other name. */
export const STILL_WEBHOOKS: Webhooks = {
  names: new Set(["echo"]),
  async call({ name, body }) {
    if (name === "echo") return { status: "answered", code: 200, body };
    return { status: "failed", retryable: false, reason: `There is no webhook ${name}` };
  },
};

/** A graph in which nobody sees anything. */
export const EMPTY_GRAPH: Surroundings = {
  entity: async () => undefined,
  members: async () => [],
};
