// What the Upstash REST API answers when a log writes only some of the messages of a request.
import { describe, expect, it } from "vitest";
import { type Appended, type AppendFault, type Log, LogError } from "../../src/gateway/log.ts";
import { GATEWAY_LIMITS } from "../../src/gateway/options.ts";
import { appendAll } from "../../src/gateway/upstash/produce.ts";

const record = { partition: null, key: null, value: "v", headers: [], timestampMs: 0, bytes: 1 };
const DOWN = new LogError("unreachable", "down");
const retryable: AppendFault = { fault: "retryable", reason: "no leader" };
const unknown: AppendFault = { fault: "unknown", reason: "no answer" };
const ok: Appended = { partition: 0, offset: 0 };

/** Appends a message to each topic; the log answers for one topic after the other. */
async function append(topics: readonly string[], ...answers: (Error | (Appended | AppendFault)[] | undefined)[]) {
  const left = [...answers];
  const log = {
    topic: async (name: string) => ({ name, id: name, partitions: 1 }),
    append: async () => {
      const answer = left.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  } as unknown as Log;
  const messages = topics.map((topic) => ({ topic, record }));
  const error = await appendAll(log, GATEWAY_LIMITS, messages).catch((reason: { kind: string }) => reason);
  return { kind: "kind" in error ? error.kind : undefined, left: left.length };
}

describe("a produce of which something is written", () => {
  it.each([
    ["cannot be reached for the next topic", ["t", "u"], [[ok], DOWN]],
    ["has lost the next topic", ["t", "u"], [[ok], undefined]],
    ["refuses a record of the next topic", ["t", "u"], [[ok], [retryable]]],
    ["refuses another record of the topic", ["t", "t"], [[retryable, ok]]],
    ["does not answer for another record", ["t", "t"], [[retryable, unknown]]],
  ])("is unknown when the log %s", async (_, topics, answers) => {
    expect(await append(topics, ...answers)).toMatchObject({ kind: "log_unknown" });
  });

  it("is not sent on to further topics, and told as it is, as long as nothing was written", async () => {
    expect(await append(["t", "u"], [retryable], [ok])).toEqual({ kind: "log_unreachable", left: 1 });
    expect(await append(["t", "u"], DOWN, [ok])).toEqual({ kind: "unreachable", left: 1 });
  });
});
