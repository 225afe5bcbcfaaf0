// Every text model there is, held to the one contract.
import { localTextModel } from "../../src/adapters/text-model/local.ts";
import { openaiTextModel } from "../../src/adapters/text-model/openai.ts";
import { withLocalFallback } from "../../src/adapters/text-model/with-local-fallback.ts";
import { fakeChat, honest } from "../support/fake-chat.ts";
import { type TextModelUnderTest, textModelContract } from "./text-model.ts";

const inputCharactersMax = 2_000;
const local = () => localTextModel({ inputCharactersMax });

async function overHttp(): Promise<TextModelUnderTest> {
  const chat = await fakeChat(honest);
  const model = openaiTextModel({ url: chat.url, model: "honest", fetch, inputCharactersMax });
  return { model, [Symbol.asyncDispose]: () => chat[Symbol.asyncDispose]() };
}

async function refused(): Promise<TextModelUnderTest> {
  const chat = await fakeChat((response) => response.writeHead(500).end());
  const primary = openaiTextModel({ url: chat.url, model: "refused", fetch, inputCharactersMax });
  return {
    model: withLocalFallback(primary, local(), () => {}),
    [Symbol.asyncDispose]: () => chat[Symbol.asyncDispose](),
  };
}

async function answered(): Promise<TextModelUnderTest> {
  const inner = await overHttp();
  return { ...inner, model: withLocalFallback(inner.model, local(), () => {}) };
}

textModelContract("local", async () => ({ model: local(), async [Symbol.asyncDispose]() {} }), { deterministic: true });
textModelContract("openai over HTTP", overHttp, { deterministic: false });
textModelContract("withLocalFallback before an endpoint that answers", answered, { deterministic: false });
textModelContract("withLocalFallback before an endpoint that refuses", refused, { deterministic: true });
