// `tidegate probe`: examines anyone's HTTP proxy of Kafka and prints what it can do.
import { defineCommand } from "citty";
import { DIALECTS, type Dialect } from "../config/kafka-url.ts";
import { isLoopbackUrl } from "../config/loopback.ts";
import { readCount } from "./arguments.ts";
import { Failure, fileReason, usageFailure } from "./failure.ts";
import { INTERRUPTED_EXIT_CODE, interruption } from "./interruption.ts";
import type { Card, Left } from "./probe/examine.ts";
import { formatTable, plain } from "./text.ts";

const TIMEOUT_S = 120;
/** Of names in a line. */
const LISTED_MAX = 5;

const args = {
  url: { type: "positional", description: "Address of the proxy", valueHint: "url" },
  dialect: { type: "string", valueHint: "name", description: `One of ${DIALECTS.join(", ")}; default asks the proxy` },
  topic: { type: "string", valueHint: "name", description: "A topic of two partitions to use; default makes one" },
  username: { type: "string", valueHint: "name", description: "User (Basic); default KAFKA_USERNAME" },
  password: {
    type: "string",
    valueHint: "text",
    description: "Password; default KAFKA_PASSWORD, which others cannot see",
  },
  token: {
    type: "string",
    valueHint: "text",
    description: "Token (Bearer); default KAFKA_TOKEN, which others cannot see",
  },
  cert: { type: "string", valueHint: "file", description: "Client certificate, PEM" },
  key: { type: "string", valueHint: "file", description: "Its key, PEM" },
  ca: { type: "string", valueHint: "file", description: "Authority that signed the proxy's certificate, PEM" },
  timeout: { type: "string", valueHint: "seconds", description: `Time for the whole of it; default ${TIMEOUT_S}` },
  json: { type: "boolean", description: "Print the card as one JSON object" },
} as const;

export const probe = defineCommand({
  meta: {
    name: "probe",
    description: "Examine an HTTP proxy of Kafka: writes to a topic of its own; exit 0 if Tidegate could run on it",
  },
  args,
  async run({ args: given }): Promise<number> {
    const url = readAddress(given.url);
    const access = await openAccess({ ...credentials(given), cert: given.cert, key: given.key, ca: given.ca }, url);
    const seconds = readCount("timeout", given.timeout, 5, 3_600) ?? TIMEOUT_S;
    const interrupted = interruption();
    try {
      const { examine, INTERRUPTED_MS } = await import("./probe/examine.ts");
      const card = await examine({
        url: url.replace(/\/$/, ""),
        dialect: readDialect(given.dialect),
        topic: given.topic,
        timeoutMs: seconds * 1_000,
        access,
        interrupted: interrupted.signal,
        onInterrupt: (topics) => sayClearing(topics, INTERRUPTED_MS),
        ...(given.json === true ? {} : { onCheck: progress }),
      });
      if (interrupted.signal.aborted) throw new Failure(interruptedLine(card), { exitCode: INTERRUPTED_EXIT_CODE });
      if ("reason" in card) throw new Failure(`Cannot examine ${url}: ${plain(card.reason)}${behind(card)}`);
      process.stdout.write(given.json === true ? `${JSON.stringify(card)}\n` : `${say(card)}\n`);
      return card.suitable ? 0 : 1;
    } finally {
      interrupted[Symbol.dispose]();
      await access.close();
    }
  },
});

/** What is being looked at, where somebody watches. */
function progress(question: string): void {
  if (process.stderr.isTTY === true) process.stderr.write(`\r\u001b[K${question} …`);
}

function clearProgress(): void {
  if (process.stderr.isTTY === true) process.stderr.write("\r\u001b[K");
}

/** Said at once, so that whoever does not wait knows of the topics. */
function sayClearing(topics: readonly string[], ms: number): void {
  clearProgress();
  const what = topics.length === 0 ? "what was made" : topics.join(", ");
  process.stderr.write(`Clearing away ${what}, within ${ms / 1_000} s; a second signal ends at once\n`);
}

function interruptedLine(left: Left): string {
  clearProgress();
  return `Interrupted${behind(left) || "; nothing is left behind"}`;
}

/** What an examination without a card may have left behind. */
function behind({ left, leftInstances }: Left): string {
  const what = [
    ...(left.length === 0 ? [] : [`topics ${left.join(", ")}: delete them at the cluster`]),
    ...(leftInstances.length === 0
      ? []
      : [`consumer instances ${listed(leftInstances)}: the proxy ends them when they idle`]),
  ];
  return what.length === 0 ? "" : `; these may be left behind: ${what.join("; ")}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - LISTED_MAX;
  return `${names.slice(0, LISTED_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function say({ url, name, dialect, suitable, findings, left, leftInstances }: Card): string {
  clearProgress();
  const rows = findings.map(({ question, verdict, detail }) => [question, verdict, plain(detail, 160)]);
  const lines = [
    `${url} is ${name}; examined as dialect ${dialect}`,
    "",
    formatTable(["", "ANSWER", "DETAIL"], rows),
    "",
  ];
  lines.push(suitable ? "Tidegate can run on it." : "Tidegate cannot run on it as it is.");
  if (left.length > 0) {
    lines.push(
      `These topics were made and cannot be deleted through the proxy: ${left.join(", ")}; delete them at the cluster,`,
    );
    lines.push(`for example kafka-topics.sh --bootstrap-server HOST:9092 --delete --topic ${left[0]}`);
  }
  if (leftInstances.length > 0) {
    const names = listed(leftInstances);
    lines.push(`Consumer instances that could not be deleted, and that the proxy ends when they idle: ${names}`);
  }
  return lines.join("\n");
}

function readAddress(text: string | undefined): string {
  if (text === undefined) throw usageFailure("Say the address of the proxy");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw usageFailure(`${JSON.stringify(text)} is not an http(s) address; give one like http://127.0.0.1:8082`);
  }
  if (url.username !== "" || url.password !== "")
    throw usageFailure("Give user and password as options, not in the address");
  url.search = "";
  url.hash = "";
  return url.href;
}

function readDialect(name: string | undefined): Dialect | undefined {
  if (name === undefined || DIALECTS.includes(name as Dialect)) return name as Dialect | undefined;
  throw usageFailure(`There is no dialect ${JSON.stringify(name)}; there are ${DIALECTS.join(", ")}`);
}

interface Given {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
}

/** Those that were given; without any, those of the environment. A password for a given user may come from there as well. */
function credentials(
  given: Pick<Partial<Given>, "username" | "password" | "token">,
): Omit<Given, "cert" | "key" | "ca"> {
  // Empty is unset, as in every configuration.
  const env = (name: string): string | undefined => process.env[name] || undefined;
  const { username, password, token } = given;
  if (token !== undefined && username !== undefined) throw usageFailure("Give a user or a token, not both");
  if (token !== undefined) return { username: undefined, password: undefined, token };
  if (username !== undefined) return { username, password: password ?? env("KAFKA_PASSWORD"), token: undefined };
  const user = env("KAFKA_USERNAME");
  return { username: user, password: password ?? (user && env("KAFKA_PASSWORD")), token: env("KAFKA_TOKEN") };
}

async function openAccess({ username, password, token, cert, key, ca }: Given, url: string) {
  const isSecret = [username, token, cert].some((each) => each !== undefined);
  if (isSecret && url.startsWith("http:") && !isLoopbackUrl(url)) {
    throw usageFailure("Credentials are sent by https alone, unless the proxy is on this machine");
  }
  if ((username === undefined) !== (password === undefined)) throw usageFailure("Give user and password together");
  if ((cert === undefined) !== (key === undefined)) throw usageFailure("Give --cert and --key together");
  const pair = username === undefined ? undefined : Buffer.from(`${username}:${password}`).toString("base64");
  const authorization = token !== undefined ? `Bearer ${token}` : pair === undefined ? undefined : `Basic ${pair}`;
  return {
    headers: authorization === undefined ? {} : { authorization },
    basic: username === undefined || password === undefined ? undefined : { username, password },
    ...(await openFetch({ cert, key, ca })),
  };
}

async function openFetch({ cert, key, ca }: Pick<Given, "cert" | "key" | "ca">) {
  if (cert === undefined && ca === undefined) return { fetch, close: async () => undefined };
  const { readFileSync } = await import("node:fs");
  const { nodeFetch } = await import("../runtime/node-fetch.ts");
  const pem = (path: string | undefined): string | undefined => {
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      throw new Failure(`Cannot read ${path}: ${fileReason(error)}`);
    }
  };
  return nodeFetch({ cert: pem(cert), key: pem(key), ca: pem(ca) });
}
