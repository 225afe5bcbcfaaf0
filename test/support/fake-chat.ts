// A chat-completions endpoint on the loopback interface that answers what a test wants, or lies as it wants.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Analysis, SourceText } from "../../src/ports/text-model.ts";

/** A request as the endpoint got it. */
export interface ChatRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly atMs: number;
  readonly body: {
    readonly model: string;
    readonly max_tokens?: number;
    readonly max_completion_tokens?: number;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly response_format: { readonly json_schema: { readonly name: string; readonly schema: object } };
  };
}

/** Answers a request; what it does not end stays open until the endpoint closes. */
export type ChatAnswer = (response: ServerResponse, request: ChatRequest) => void;

/** An endpoint, and what it was asked. */
export interface FakeChat extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ChatRequest[];
}

/** Serves on a free port; the n-th request gets the n-th answer, later ones the last. */
export async function fakeChat(...answers: readonly ChatAnswer[]): Promise<FakeChat> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const request = { path: incoming.url!, headers: incoming.headers, atMs: performance.now(), body };
    requests.push(request);
    answers[Math.min(requests.length, answers.length) - 1]!(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An answer of this status with this body. */
export function answering(status: number, body: string, headers: Record<string, string> = {}): ChatAnswer {
  return (response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}

/** A completion whose message is this text. */
export function saying(content: unknown): ChatAnswer {
  const message = { role: "assistant", content: typeof content === "string" ? content : JSON.stringify(content) };
  return answering(200, JSON.stringify({ id: "1", object: "chat.completion", choices: [{ index: 0, message }] }));
}

/** Says what a well-behaved model could: it rests on the first and the last text it was given. */
export const honest: ChatAnswer = (response, request) => {
  const input = JSON.parse(request.body.messages[1]!.content);
  saying(answerTo(request.body.response_format.json_schema.name, input))(response, request);
};

function answerTo(name: string, input: { texts?: SourceText[]; later?: SourceText[]; analysis?: Analysis }): object {
  if (name === "evaluation") return { score: 0.5, reasons: `${input.later!.length} texts came later.` };
  const texts = input.texts!;
  const ids = [texts.at(-1)!.id, texts[0]!.id];
  if (name === "summary") return { text: `${texts.length} texts.`, restsOn: ids };
  const entities = [{ text: "Provo", type: "PLACE" }];
  return { topics: ["pizza"], sentiment: -0.25, entities, questions: ["What now?"] };
}
