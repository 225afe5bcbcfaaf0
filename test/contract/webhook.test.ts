// Every adapter of webhooks there is, held to the one contract.
import { standardWebhooks } from "../../src/adapters/webhook/standard.ts";
import { answering, fakeWebhooks, hanging, inTurn, refusing } from "../support/fake-webhooks.ts";
import { type Receive, SECRET, webhookReceiver } from "../support/webhook-receiver.ts";
import { DEADLINE_MS, NAMES, type WebhooksUnderTest, webhookContract } from "./webhook.ts";

async function overHttp(): Promise<WebhooksUnderTest> {
  const receiver = await webhookReceiver((received, response) => {
    const attempts = receiver.received.filter(({ id }) => id === received.id).length;
    BEHAVIOURS[received.path.slice(1) as (typeof NAMES)[number]](received, response, attempts);
  });
  return {
    webhooks: standardWebhooks({
      targets: new Map(NAMES.map((name) => [name, { url: `${receiver.url}/${name}`, secret: SECRET }])),
      fetch,
      clock: { nowMs: () => Date.now() },
      timeoutMs: DEADLINE_MS,
      allowInsecure: true,
    }),
    received: () => receiver.received,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

type Behaviour = (...given: [...Parameters<Receive>, attempt: number]) => void;
const json = { "content-type": "application/json" };
const BEHAVIOURS: Record<(typeof NAMES)[number], Behaviour> = {
  echo: ({ body }, response) => void response.writeHead(200, json).end(JSON.stringify(body)),
  later: (_, response) => void response.writeHead(202, json).end('{"ignored": true}'),
  silent: (_, response) => void response.writeHead(204).end(),
  words: (_, response) => void response.writeHead(200, { "content-type": "text/plain" }).end("well done"),
  busy: (_, response) => void response.writeHead(429, { "retry-after": "2" }).end(),
  broken: (_, response) => void response.writeHead(500).end(),
  recovering: (_, response, attempt) => void response.writeHead(attempt > 1 ? 200 : 500, json).end('"now"'),
  gone: (_, response) => void response.writeHead(410).end(),
  lost: (_, response) => void response.socket!.destroy(),
  hang: () => {},
};

async function inMemory(): Promise<WebhooksUnderTest> {
  const webhooks = fakeWebhooks(
    {
      echo: ({ body }) => ({ status: "answered", code: 200, body }),
      later: answering(null, 202),
      silent: answering(null, 204),
      words: answering("well done"),
      busy: refusing(429, 2_000),
      broken: refusing(500),
      recovering: inTurn(refusing(500), answering("now")),
      gone: refusing(410),
      lost: () => Promise.reject(new Error("lost")),
      hang: hanging,
    },
    DEADLINE_MS,
  );
  return { webhooks, received: () => webhooks.calls, [Symbol.asyncDispose]: async () => {} };
}

webhookContract("standard webhooks over HTTP", overHttp);
webhookContract("fake webhooks", inMemory);
