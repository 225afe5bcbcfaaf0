// What every adapter of webhooks has to keep, as src/ports/webhook.ts says it.
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/domain/json.ts";
import type { Webhooks } from "../../src/ports/webhook.ts";

/** The webhooks that a contract needs, and what each of them does. */
export const NAMES = [
  "echo", // answers 200 with the body it got
  "later", // answers 202 with {"ignored": true}
  "silent", // answers 204
  "words", // answers 200 with the text "well done"
  "busy", // answers 429, to be tried again after 2 s
  "broken", // answers 500
  "recovering", // answers 500 to the first attempt of an id, then 200 with "now"
  "gone", // answers 410
  "lost", // loses the connection
  "hang", // never answers
] as const;

/** Webhooks of these names, with a deadline of {@link DEADLINE_MS}, and the calls that reached them. */
export interface WebhooksUnderTest extends AsyncDisposable {
  readonly webhooks: Webhooks;
  received(): readonly { readonly id: string; readonly body: unknown }[];
}

/** The deadline of one call. */
export const DEADLINE_MS = 1_000;
const ID = "0199a3c4-0000-7000-8000-00000000abcd";
const DELAY_MAX_MS = 20_000;

type Make = () => Promise<WebhooksUnderTest>;

/** Holds webhooks to their contract. `make` is called once per test. */
export function webhookContract(name: string, make: Make): void {
  describe(`${name} as webhooks`, () => {
    answerCases(make);
    failureCases(make);
    endCases(make);
  });
}

function answerCases(make: Make): void {
  it("names are the configured ones", async () => {
    await using bundle = await make();
    expect([...bundle.webhooks.names].toSorted()).toEqual(NAMES.toSorted());
  });

  it.each<[string, Json]>([
    ["an object", { order: { id: "o-1", lines: [1, 2.5, null, true] } }],
    ["a list", [[], {}, ""]],
    ["a text of every plane", 'naïve ☃ 𝄞 \u{10FFFF} \u2028 \\ "'],
    ["zero", 0],
    ["false", false],
    ["null", null],
    ["a large body", { text: "x".repeat(30_000) }],
  ])("call() sends %s with the id and answers with what came back", async (_, body) => {
    await using bundle = await make();
    const result = await bundle.webhooks.call({ name: "echo", id: ID, body });
    expect(result).toEqual({ status: "answered", code: 200, body });
    expect(bundle.received()).toMatchObject([{ id: ID, body }]);
  });

  it.each([
    ["later", 202, null],
    ["silent", 204, null],
    ["words", 200, "well done"],
  ] as const)("call() takes what %s answers", async (name, code, body) => {
    await using bundle = await make();
    expect(await bundle.webhooks.call({ name, id: ID, body: {} })).toEqual({ status: "answered", code, body });
  });

  it("call() keeps concurrent calls apart", async () => {
    await using bundle = await make();
    const bodies = Array.from({ length: 20 }, (_, i) => i);
    const results = await Promise.all(
      bodies.map((body) => bundle.webhooks.call({ name: "echo", id: `${ID}-${body}`, body })),
    );
    expect(results).toEqual(bodies.map((body) => ({ status: "answered", code: 200, body })));
    const received = bundle.received().map(({ id, body }) => `${id} ${body}`);
    expect(received.toSorted()).toEqual(bodies.map((body) => `${ID}-${body} ${body}`).toSorted());
  });
}

function failureCases(make: Make): void {
  it.each(["missing", "", "constructor", "__proto__", "http://127.0.0.1/"])(
    "call() fails for good and sends nothing when nothing is configured as %j",
    async (name) => {
      await using bundle = await make();
      const result = await bundle.webhooks.call({ name, id: ID, body: {} });
      expect(result).toMatchObject({ status: "failed", retryable: false, reason: expect.any(String) });
      expect(bundle.received()).toEqual([]);
    },
  );

  it.each([
    ["busy", { retryable: true, code: 429, retryAfterMs: 2_000 }],
    ["broken", { retryable: true, code: 500 }],
    ["gone", { retryable: false, code: 410 }],
    ["lost", { retryable: true }],
  ] as const)("call() says what came of %s", async (name, expected) => {
    await using bundle = await make();
    const result = await bundle.webhooks.call({ name, id: ID, body: {} });
    expect(result).toEqual({ status: "failed", reason: expect.stringMatching(/./), ...expected });
    expect(bundle.received()).toHaveLength(1);
  });

  it("call() sends the same id with every attempt", async () => {
    await using bundle = await make();
    const call = { name: "recovering", id: ID, body: { n: 1 } };
    expect(await bundle.webhooks.call(call)).toMatchObject({ status: "failed", retryable: true });
    expect(await bundle.webhooks.call(call)).toEqual({ status: "answered", code: 200, body: "now" });
    expect(bundle.received().map(({ id }) => id)).toEqual([ID, ID]);
  });
}

function endCases(make: Make): void {
  it("call() settles at its own deadline", async () => {
    await using bundle = await make();
    const began = performance.now();
    const result = await bundle.webhooks.call({ name: "hang", id: ID, body: {} });
    expect(result).toEqual({ status: "failed", retryable: true, reason: `no answer within ${DEADLINE_MS} ms` });
    expect(performance.now() - began).toBeLessThan(DELAY_MAX_MS);
  });

  it("call() sends nothing once its signal has aborted", async () => {
    await using bundle = await make();
    const result = await bundle.webhooks.call({ name: "echo", id: ID, body: {}, signal: AbortSignal.abort() });
    expect(result).toMatchObject({ status: "failed", retryable: true });
    expect(bundle.received()).toEqual([]);
  });

  it("call() settles when it is cancelled", async () => {
    await using bundle = await make();
    const controller = new AbortController();
    const calling = bundle.webhooks.call({ name: "hang", id: ID, body: {}, signal: controller.signal });
    controller.abort();
    expect(await calling).toEqual({ status: "failed", retryable: true, reason: "cancelled" });
  });
}
