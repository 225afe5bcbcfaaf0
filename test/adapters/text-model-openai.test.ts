// What the adapter asks an endpoint, and what it makes of every lie and failure of one.
import { describe, expect, it } from "vitest";
import { openaiTextModel } from "../../src/adapters/text-model/openai.ts";
import { AppError } from "../../src/domain/errors.ts";
import type { TextModel } from "../../src/ports/text-model.ts";
import { turns } from "../contract/text-model.ts";
import { answering, type ChatAnswer, type FakeChat, fakeChat, honest, saying } from "../support/fake-chat.ts";

const TEXTS = turns("Where shall we meet?", "At the pizza place.");
const SUMMARY = { text: "They meet.", restsOn: ["m0"] };
const ANALYSIS = { topics: ["pizza"], sentiment: 0.5, entities: [{ text: "Provo", type: "PLACE" }], questions: [] };
const EVALUATION = { score: 0.5, reasons: "Because." };
const KEY = "sk-very-secret-key";
/** Far beyond what an answer takes here, far below what a test may take. */
const PATIENT_MS = 20_000;

type Options = Partial<Parameters<typeof openaiTextModel>[0]>;
const modelAt = (chat: Pick<FakeChat, "url">, options: Options = {}): TextModel =>
  openaiTextModel({ url: chat.url, model: "tiny", apiKey: KEY, fetch, timeoutMs: PATIENT_MS, ...options });

/** The error of a call that must fail; it holds no secret, and neither do the errors behind it. */
async function failureOf(call: Promise<unknown>): Promise<AppError> {
  const error = await call.then(
    (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: "model_unavailable" });
  for (let each: unknown = error; each instanceof Error; each = each.cause) expect(String(each)).not.toContain(KEY);
  return error as AppError;
}

describe("what is asked", () => {
  it("asks for JSON of a strict schema, within the budget, with the key", async () => {
    await using chat = await fakeChat(honest);
    await modelAt(chat, { outputTokensMax: 77 }).summarize(TEXTS);
    const { path, headers, body } = chat.requests[0]!;
    expect(path).toBe("/v1/chat/completions");
    expect(headers).toMatchObject({ authorization: `Bearer ${KEY}`, "content-type": "application/json" });
    expect(body).toMatchObject({ model: "tiny", max_tokens: 77, response_format: { type: "json_schema" } });
    expect(body.response_format.json_schema).toEqual({
      name: "summary",
      strict: true,
      schema: {
        type: "object",
        properties: { text: { type: "string" }, restsOn: { type: "array", items: { type: "string" } } },
        required: ["text", "restsOn"],
        additionalProperties: false,
      },
    });
    expect(JSON.parse(body.messages[1]!.content)).toEqual({ texts: TEXTS });
  });

  it("sends no authorisation without a key, and keeps path and query of its address", async () => {
    await using chat = await fakeChat(honest);
    const url = `${chat.url}/tiny/?version=2`;
    await openaiTextModel({ url, model: "tiny", fetch }).analyze(TEXTS);
    expect(chat.requests[0]!.path).toBe("/v1/tiny/chat/completions?version=2");
    expect(chat.requests[0]!.headers.authorization).toBeUndefined();
  });

  it("gives an analysis from elsewhere no more room than its own", async () => {
    await using chat = await fakeChat(honest);
    const huge = { ...ANALYSIS, topics: Array.from({ length: 500 }, () => "x".repeat(10_000)) };
    await modelAt(chat).evaluate(huge, TEXTS);
    expect(chat.requests[0]!.body.messages[1]!.content.length).toBeLessThan(10_000);
  });

  it("sends nothing for no text", async () => {
    await using chat = await fakeChat(honest);
    await modelAt(chat).summarize(turns(" "));
    expect(chat.requests).toEqual([]);
  });

  it("refuses an address and a key that can never work, without repeating them", () => {
    const made = (options: Options) => () => modelAt({ url: "http://localhost" }, options);
    expect(made({ url: "http://user:pass@localhost" })).toThrow(/^The address of a text model must not hold/);
    expect(made({ apiKey: "two\nlines" })).toThrow(/^The key of a text model must be visible ASCII characters$/);
  });
});

describe("the name of an answer's bound", () => {
  const refusing = (message: string): ChatAnswer =>
    answering(400, JSON.stringify({ error: { message, type: "invalid_request_error", param: "max_tokens" } }));
  const RENAMED = refusing(
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  );
  const bounds = (chat: FakeChat) =>
    chat.requests.map(({ body }) => [body.max_tokens ?? null, body.max_completion_tokens ?? null]);

  it("is the newer one where the endpoint refuses the older, from then on and for every model of the process", async () => {
    await using chat = await fakeChat(RENAMED, saying(SUMMARY));
    const options = { attempts: 1, outputTokensMax: 77 };
    expect((await modelAt(chat, options).summarize(TEXTS)).text).toBe(SUMMARY.text);
    await modelAt(chat, options).summarize(TEXTS);
    expect(bounds(chat)).toEqual([
      [77, null],
      [null, 77],
      [null, 77],
    ]);
  });

  it("is tried once more, and what refuses that as well is a refusal that changes nothing", async () => {
    await using chat = await fakeChat(RENAMED, answering(400, "{}"), saying(SUMMARY));
    const { message } = await failureOf(modelAt(chat).summarize(TEXTS));
    expect(message).toBe("Cannot summarize: the endpoint answered 400");
    await modelAt(chat).summarize(TEXTS);
    expect(bounds(chat).map(([older]) => older)).toEqual([1_000, null, 1_000]);
  });

  it("is not to blame for a bound that is too large", async () => {
    await using chat = await fakeChat(refusing("max_tokens is too large: 1000. This model supports at most 512."));
    const { message } = await failureOf(modelAt(chat).summarize(TEXTS));
    expect(message).toBe("Cannot summarize: the endpoint answered 400");
    expect(chat.requests.length).toBe(1);
  });
});

describe("lies", () => {
  const lies: [string, ChatAnswer][] = [
    ["nothing", answering(200, "")],
    ["no JSON", answering(200, "<html>")],
    ["half of the JSON", answering(200, '{"choices":[{"mess')],
    ["no choice", answering(200, '{"choices":[]}')],
    ["a refusal", answering(200, '{"choices":[{"message":{"content":null,"refusal":"no"}}]}')],
    ["a message that is no JSON", saying("They meet.")],
    ["a message in a fence", saying(`\`\`\`json\n${JSON.stringify(SUMMARY)}\n\`\`\``)],
    ["a list", saying([SUMMARY])],
    ["null", saying("null")],
    ["a member too few", saying({ text: "They meet." })],
    ["a member too many", saying({ ...SUMMARY, extra: 1 })],
    ["a member of another type", saying({ ...SUMMARY, text: 7 })],
    ["an empty summary", saying({ ...SUMMARY, text: "" })],
    ["a blank summary", saying({ ...SUMMARY, text: " \n" })],
    ["an endless summary", saying({ ...SUMMARY, text: "x".repeat(4_001) })],
    ["a summary that cannot be stored", saying({ ...SUMMARY, text: "a\u0000b" })],
    ["half of a character", saying('{"text":"\\ud83d","restsOn":["m0"]}')],
    ["an id that was not given", saying({ ...SUMMARY, restsOn: ["m0", "m7"] })],
    ["a summary that rests on nothing", saying({ ...SUMMARY, restsOn: [] })],
  ];
  it.each(lies)("summarize() does not believe: %s", async (_, lie) => {
    await using chat = await fakeChat(lie);
    const { message } = await failureOf(modelAt(chat).summarize(TEXTS));
    expect(message).toBe("Cannot summarize: the endpoint's answer is not what was asked for after 2 attempts");
  });

  it.each([
    ["a mood beyond its range", { ...ANALYSIS, sentiment: 1.01 }],
    ["a mood that is no number", '{"topics":[],"sentiment":1e999,"entities":[],"questions":[]}'],
    ["too many topics", { ...ANALYSIS, topics: Array.from({ length: 21 }, (_, i) => `t${i}`) }],
    ["an empty topic", { ...ANALYSIS, topics: [""] }],
    ["an endless topic", { ...ANALYSIS, topics: ["x".repeat(101)] }],
    ["an entity without a type", { ...ANALYSIS, entities: [{ text: "Provo" }] }],
    ["no questions", { ...ANALYSIS, questions: null }],
  ])("analyze() does not believe: %s", async (_, lie) => {
    await using chat = await fakeChat(saying(lie));
    expect((await failureOf(modelAt(chat).analyze(TEXTS))).message).toContain("is not what was asked for");
  });

  it.each([
    ["a score above one", { ...EVALUATION, score: 2 }],
    ["a score below zero", { ...EVALUATION, score: -0.1 }],
    ["no reasons", { ...EVALUATION, reasons: "" }],
  ])("evaluate() does not believe: %s", async (_, lie) => {
    await using chat = await fakeChat(saying(lie));
    expect((await failureOf(modelAt(chat).evaluate(ANALYSIS, TEXTS))).message).toContain("is not what was asked for");
  });

  it("asks once more after a lie, and not a third time", async () => {
    await using healed = await fakeChat(saying("oops"), saying(SUMMARY));
    expect(await modelAt(healed).summarize(TEXTS)).toEqual({ ...SUMMARY, model: "openai-compatible/tiny" });
    await using liar = await fakeChat(saying("oops"));
    await failureOf(modelAt(liar, { attempts: 5 }).summarize(TEXTS));
    expect(liar.requests.length).toBe(2);
  });

  it("puts ids in the order of the texts and names each once", async () => {
    await using chat = await fakeChat(saying({ ...SUMMARY, restsOn: ["m1", "m0", "m1"] }));
    expect((await modelAt(chat).summarize(TEXTS)).restsOn).toEqual(["m0", "m1"]);
  });
});

describe("failures", () => {
  it.each([400, 401, 404, 500, 502])("gives up at once after %i, and does not repeat the body", async (status) => {
    await using chat = await fakeChat(answering(status, JSON.stringify({ error: `bad key ${KEY}` })));
    const { message } = await failureOf(modelAt(chat).analyze(TEXTS));
    expect(message).toBe(`Cannot analyze: the endpoint answered ${status}`);
    expect(chat.requests.length).toBe(1);
  });

  it.each([429, 503])("asks again after %i", async (status) => {
    await using chat = await fakeChat(answering(status, "", { "retry-after": "0" }), saying(SUMMARY));
    expect((await modelAt(chat).summarize(TEXTS)).text).toBe(SUMMARY.text);
    expect(chat.requests.length).toBe(2);
  });

  it.each([
    ["seconds", () => "1"],
    // A date has whole seconds: two from now is more than one.
    ["a date", () => new Date(Date.now() + 2_000).toUTCString()],
  ])("waits as long as Retry-After says in %s", async (_, retryAfter) => {
    const busy: ChatAnswer = (response, request) =>
      answering(429, "", { "retry-after": retryAfter() })(response, request);
    await using chat = await fakeChat(busy, saying(SUMMARY));
    await modelAt(chat).summarize(TEXTS);
    const [first, second] = chat.requests;
    expect(second!.atMs - first!.atMs).toBeGreaterThan(900);
  });

  it("does not wait for what lies beyond its deadline, and passes it on", async () => {
    await using chat = await fakeChat(answering(429, "", { "retry-after": "3600" }));
    const error = await failureOf(modelAt(chat).summarize(TEXTS));
    expect(error).toMatchObject({ message: "Cannot summarize: the endpoint answered 429", retryAfterMs: 3_600_000 });
    expect(chat.requests.length).toBe(1);
  });

  it("asks no more often than allowed", async () => {
    await using chat = await fakeChat(answering(503, "", { "retry-after": "0" }));
    const { message } = await failureOf(modelAt(chat, { attempts: 3 }).summarize(TEXTS));
    expect(message).toBe("Cannot summarize: the endpoint answered 503 after 3 attempts");
    expect(chat.requests.length).toBe(3);
  });

  it("ends at its deadline when the endpoint hangs, before its answer or within it", async () => {
    const within: ChatAnswer = (response) => void response.writeHead(200).write('{"choices":');
    for (const hang of [() => {}, within]) {
      await using chat = await fakeChat(hang);
      const { message } = await failureOf(modelAt(chat, { timeoutMs: 150 }).summarize(TEXTS));
      expect(message).toBe("Cannot summarize: no answer within 150 ms");
    }
  });

  it("ends at its deadline when fetch ignores its signal", async () => {
    const deaf = modelAt({ url: "http://localhost" }, { timeoutMs: 50, fetch: () => new Promise(() => {}) });
    expect((await failureOf(deaf.summarize(TEXTS))).message).toBe("Cannot summarize: no answer within 50 ms");
  });

  it("ends at once when its caller gives up while it waits to ask again", async () => {
    const controller = new AbortController();
    const busy: ChatAnswer = (response, request) => {
      answering(429, "", { "retry-after": "10" })(response, request);
      response.once("close", () => controller.abort());
    };
    await using chat = await fakeChat(busy);
    const { message } = await failureOf(modelAt(chat).summarize(TEXTS, controller.signal));
    expect(message).toMatch(/^Cannot summarize: cancelled/);
    expect(chat.requests.length).toBe(1);
  });

  it("gives up an answer of 2 MB", async () => {
    await using chat = await fakeChat(saying({ ...SUMMARY, text: "x".repeat(2_000_000) }));
    const { message } = await failureOf(modelAt(chat).summarize(TEXTS));
    expect(message).toBe("Cannot summarize: the endpoint's answer is larger than 1048576 bytes");
    expect(chat.requests.length).toBe(1);
  });

  it("follows no redirect", async () => {
    await using elsewhere = await fakeChat(honest);
    await using chat = await fakeChat(answering(307, "", { location: `${elsewhere.url}/chat/completions` }));
    const { message } = await failureOf(modelAt(chat).summarize(TEXTS));
    expect(message).toBe("Cannot summarize: the endpoint answered 307");
    expect(elsewhere.requests).toEqual([]);
  });

  it("asks again when no connection comes about or one breaks, then says so", async () => {
    const { url } = await closed();
    const { message } = await failureOf(modelAt({ url }).summarize(TEXTS));
    expect(message).toMatch(/^Cannot summarize: no answer from the endpoint: .*ECONNREFUSED.* after 2 attempts$/);
    await using broken = await fakeChat((response) => response.destroy(), saying(SUMMARY));
    expect((await modelAt(broken).summarize(TEXTS)).text).toBe(SUMMARY.text);
  });
});

/** The address of an endpoint that is no more. */
async function closed(): Promise<{ url: string }> {
  await using chat = await fakeChat(honest);
  return { url: chat.url };
}
