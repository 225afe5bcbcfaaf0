// `tidegate send`: one operation, and with --wait what became of it.
import { appendFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { defineCommand } from "citty";
import { apiKeyArgument, readApiKey, readCount, readUrl, urlArgument } from "./arguments.ts";
import { Failure, fileReason, usageFailure } from "./failure.ts";
import { ask, askJson, Refusal } from "./service.ts";

const TIMEOUT_DEFAULT_SECONDS = 30;
const POLL_EVERY_MS = 100;

const args = {
  flow: { type: "positional", description: "For example chat-messages" },
  type: { type: "positional", description: "For example create" },
  data: { type: "positional", required: false, description: "JSON; - or nothing reads standard input" },
  url: urlArgument,
  "api-key": apiKeyArgument,
  key: {
    type: "string",
    description: "Idempotency key: sending again under it changes nothing while the service keeps it",
  },
  after: {
    type: "string",
    valueHint: "stamp",
    description: "The operation comes after this stamp of an earlier answer",
  },
  "retry-token": {
    type: "string",
    valueHint: "token",
    description: "Of a failure that left it open whether the operation takes effect: it keeps its id",
  },
  wait: { type: "boolean", description: "Wait until the operation has its outcome" },
  timeout: { type: "string", valueHint: "seconds", description: `Bound of --wait; default ${TIMEOUT_DEFAULT_SECONDS}` },
  accepted: { type: "string", valueHint: "file", description: "Append the id when accepted, for check --accepted" },
  json: { type: "boolean", description: "Taken for the sake of scripts: every line is JSON anyway" },
} as const;

interface Sent {
  readonly id: string;
  readonly flow: string;
}

interface Status {
  readonly state: "pending" | "parked" | "applied" | "superseded" | "discarded";
  readonly reason?: string;
}

export const send = defineCommand({
  meta: { name: "send", description: "Send one operation and print the answer" },
  args,
  async run({ args }): Promise<number> {
    const url = readUrl(args.url);
    const apiKey = readApiKey(args["api-key"]);
    const seconds = readCount("timeout", args.timeout, 1, 86_400) ?? TIMEOUT_DEFAULT_SECONDS;
    const { flow, type } = args as { flow: string; type: string };
    const path = `/v1/${encodeURIComponent(flow)}/${encodeURIComponent(type)}`;
    const headers = {
      "content-type": "application/json",
      ...headerOf("idempotency-key", "key", args.key),
      ...headerOf("tidegate-after", "after", args.after),
      ...headerOf("tidegate-retry", "retry-token", args["retry-token"]),
    };
    const answer = await askJson<Sent>(url, path, {
      method: "POST",
      apiKey,
      body: await readData(args.data),
      headers,
    }).catch((error: unknown) => {
      throw error instanceof Refusal && error.retryToken !== undefined ? withToken(error, error.retryToken) : error;
    });
    if (args.accepted !== undefined) appendAccepted(args.accepted, answer);
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    if (args.wait !== true) return 0;
    const status = await waitForOutcome(url, apiKey, answer.id, seconds);
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return status.state === "applied" || status.state === "superseded" ? 0 : 1;
  },
});

/** A header of an option that was given. Throws Failure for what no header can hold. */
function headerOf(name: string, option: string, value: string | undefined): { readonly [name: string]: string } {
  if (value === undefined) return {};
  if (!/^[\x20-\x7e]+$/.test(value)) throw usageFailure(`--${option} has to be of printable ASCII characters`);
  return { [name]: value };
}

function withToken({ message }: Refusal, retryToken: string): Failure {
  return new Failure(`${message}: run the same command with --retry-token ${retryToken}`);
}

/** The data as it was given: it is sent as it stands, so that no number loses digits. */
async function readData(given: string | undefined): Promise<string> {
  const fromStdin = given === undefined || given === "-";
  if (given === undefined && process.stdin.isTTY === true) throw usageFailure("Give DATA, or pipe it in");
  const data = fromStdin ? await text(process.stdin) : given;
  try {
    JSON.parse(data);
  } catch {
    throw usageFailure(`${fromStdin ? "Standard input" : "DATA"} is not JSON`);
  }
  return data;
}

function appendAccepted(path: string, { id, flow }: Sent): void {
  try {
    appendFileSync(path, `${JSON.stringify({ id, flow })}\n`);
  } catch (error) {
    throw new Failure(`The operation ${id} was accepted, but ${path} cannot be written: ${fileReason(error)}`);
  }
}

async function waitForOutcome(url: string, apiKey: string | undefined, id: string, seconds: number): Promise<Status> {
  const until = performance.now() + seconds * 1_000;
  for (;;) {
    const response = await ask(url, `/v1/operations/${encodeURIComponent(id)}`, { apiKey });
    const status = (await response.json()) as Status;
    if (status.state !== "pending") return status;
    if (performance.now() >= until) throw new Failure(`The operation ${id} is still pending after ${seconds} s`);
    await delay(POLL_EVERY_MS);
  }
}
