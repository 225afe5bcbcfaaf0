// The webhook of the show. Its answers are a function of the body it is sent, never of an operation's id or a time: two
// runs that differ in both must end in the same graph.
import { createHash } from "node:crypto";
import { type Receiver, SECRET, webhookReceiver } from "../support/webhook-receiver.ts";

/** What `action.execute` gives the webhook. */
export interface Notification {
  readonly conversation: string;
  readonly messages: number;
  readonly prompt: string | null;
}

/** How a notification is answered once the receiver has done its work. */
export interface Answer {
  readonly status: 200 | 202 | 204 | 422;
  readonly body?: { readonly [name: string]: unknown };
  /** The first attempt meets a receiver that is not well. */
  readonly failsFirst: boolean;
}

/** A third is to be completed by the client; the others are answered, in one of three ways. */
export function answerTo({ conversation, messages, prompt }: Notification): Answer {
  const digest = createHash("sha256").update(`${conversation} ${messages} ${prompt}`).digest();
  const failsFirst = digest[1]! % 5 === 0;
  const way = digest[0]! % 9;
  if (way < 3) return { status: 202, failsFirst };
  if (way === 3) return { status: 204, failsFirst };
  if (way === 4) return { status: 422, failsFirst };
  return { status: 200, body: { receipt: digest.toString("hex"), messages }, failsFirst };
}

/** A receiver with the effects it had. */
export interface Webhook extends AsyncDisposable {
  /** Value of WEBHOOKS that names it. */
  readonly configuration: string;
  readonly received: Receiver["received"];
  /** The action that each webhook id was about; an id that comes again has no second effect. */
  readonly effects: ReadonlyMap<string, string>;
}

/** Serves on a free port. */
export async function startWebhook(): Promise<Webhook> {
  const attempts = new Map<string, number>();
  const effects = new Map<string, string>();
  const receiver = await webhookReceiver(({ id, body }, response) => {
    const { action, input } = body as { action: string; input: Notification };
    const answer = answerTo(input);
    const attempt = (attempts.get(id) ?? 0) + 1;
    attempts.set(id, attempt);
    if (answer.failsFirst && attempt === 1) {
      response.writeHead(500).end();
      return;
    }
    if (!effects.has(id)) effects.set(id, action);
    if (answer.body === undefined) response.writeHead(answer.status).end();
    else response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
  });
  return {
    configuration: JSON.stringify({ notify: { url: `${receiver.url}/notify`, secret: SECRET } }),
    received: receiver.received,
    effects,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}
