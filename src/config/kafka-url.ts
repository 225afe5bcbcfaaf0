// KAFKA_URL: where the proxy is and which dialect it speaks; and how we show it who we are.
import { isLoopbackUrl } from "./loopback.ts";

/** Dialects of proxies, as `?dialect=` names them. */
export const DIALECTS = [
  "tidegate",
  "confluent",
  "confluent-v3",
  "karapace",
  "strimzi",
  "redpanda",
  "upstash",
] as const;

export type Dialect = (typeof DIALECTS)[number];

/** A proxy without its dialect in the URL. */
export interface KafkaProxy {
  readonly url: string;
  readonly dialect: Dialect;
}

/** Reads KAFKA_URL, whose `?dialect=` names the dialect; undefined is the embedded log. */
export function readKafkaUrl(value: string | undefined, problems: string[]): KafkaProxy | undefined {
  if (value === undefined || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.username !== "" || url.password !== "") {
    problems.push("KAFKA_URL must hold no user and password: set KAFKA_USERNAME and KAFKA_PASSWORD");
  }
  const dialect = url.searchParams.get("dialect") ?? "tidegate";
  if (!DIALECTS.includes(dialect as Dialect)) {
    problems.push(`KAFKA_URL has dialect "${dialect}"; this release speaks ${DIALECTS.join(", ")}`);
  }
  url.search = "";
  url.hash = "";
  return { url: url.href.replace(/\/$/, ""), dialect: dialect as Dialect };
}

type Variables = Readonly<Record<string, string | undefined>>;

/** What is wrong with the credentials for the proxy. No value of theirs is said. */
export function credentialProblems(given: Variables, kafka: KafkaProxy | undefined): string[] {
  const { KAFKA_USERNAME, KAFKA_TOKEN, KAFKA_TLS_CERT, KAFKA_TLS_KEY, KAFKA_TLS_CA } = given;
  const problems: string[] = [];
  const together = (a: string, b: string): void => {
    if ((given[a] === undefined) !== (given[b] === undefined)) problems.push(`${a} and ${b} must be set together`);
  };
  together("KAFKA_USERNAME", "KAFKA_PASSWORD");
  together("KAFKA_TLS_CERT", "KAFKA_TLS_KEY");
  if (KAFKA_USERNAME?.includes(":") === true) problems.push("KAFKA_USERNAME must hold no colon");
  if (KAFKA_USERNAME !== undefined && KAFKA_TOKEN !== undefined) {
    problems.push("KAFKA_TOKEN and KAFKA_USERNAME contradict each other: unset one of them");
  }
  const names = Object.keys(given).filter((name) => CREDENTIALS.has(name));
  if (kafka === undefined) {
    if (names.length > 0) problems.push(`${names[0]} is for a proxy: set KAFKA_URL`);
    return problems;
  }
  if (kafka.dialect === "upstash") {
    if (KAFKA_USERNAME === undefined)
      problems.push("KAFKA_USERNAME must be set with dialect upstash, and its password");
    const other = [KAFKA_TOKEN, KAFKA_TLS_CERT, KAFKA_TLS_CA].some((value) => value !== undefined);
    if (other) problems.push("KAFKA_URL has dialect upstash, whose package knows a user and a password alone");
  }
  const isSecure = kafka.url.startsWith("https:");
  if ([KAFKA_TLS_CERT, KAFKA_TLS_KEY, KAFKA_TLS_CA].some((value) => value !== undefined) && !isSecure) {
    problems.push("KAFKA_URL must be https for certificates to be used");
  } else if (names.length > 0 && !isSecure && !isLoopbackUrl(kafka.url)) {
    problems.push("KAFKA_URL must be https beyond loopback when credentials are sent there");
  }
  const plain = (given.KAFKA_ORIGINS ?? "").split(",").filter((origin) => origin.trim().startsWith("http:"));
  if (names.length > 0 && plain.some((origin) => URL.canParse(origin) && !isLoopbackUrl(origin))) {
    problems.push("KAFKA_ORIGINS must be https beyond loopback when credentials are sent there");
  }
  return problems;
}

const CREDENTIALS: ReadonlySet<string> = new Set([
  "KAFKA_USERNAME",
  "KAFKA_PASSWORD",
  "KAFKA_TOKEN",
  "KAFKA_TLS_CERT",
  "KAFKA_TLS_KEY",
  "KAFKA_TLS_CA",
]);
