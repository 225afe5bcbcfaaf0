// An outside world that never says the same twice, so that whatever is asked a second time shows.
import type { TextModel } from "../../src/ports/text-model.ts";
import type { Webhooks } from "../../src/ports/webhook.ts";

export function livingModel(): TextModel {
  let said = 0;
  return {
    summarize: async (texts) => ({ text: `${++said}`, restsOn: texts.map(({ id }) => id), model: "living" }),
    analyze: async () => ({ topics: [`${++said}`], sentiment: 0, entities: [], questions: [], model: "living" }),
    evaluate: async (_, later) => ({ score: 0, reasons: `${++said}: ${later.length} texts`, model: "living" }),
  };
}

/** Every other call of `echo` fails in a way that may heal; other names fail for good. */
export function livingWebhooks(): Webhooks {
  let calls = 0;
  return {
    names: new Set(["echo"]),
    async call({ name }) {
      if (name !== "echo") return { status: "failed", retryable: false, reason: `There is no webhook ${name}` };
      if (++calls % 2 === 1) return { status: "failed", retryable: true, reason: `call ${calls}`, code: 500 };
      return { status: "answered", code: 200, body: { call: calls } };
    },
  };
}
