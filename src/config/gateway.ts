// The variables of `tidegate gateway` alone: the Kafka it stands on, and who may use it. Secrets come from here, never
// from the command line, which other users of the machine can read.
import * as z from "zod";
import { ConfigError } from "../config.ts";
import { isLoopback } from "./loopback.ts";
import { flag, isOn } from "./variables.ts";

const MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;
const file = z.string().min(1).optional();

/** Every variable of the gateway alone, with what it is for. */
export const gatewayVariables = {
  KAFKA_BROKERS: z
    .string()
    .optional()
    .describe("Kafka brokers to stand on, like host:9092,host2:9092; unset keeps a log of its own"),
  KAFKA_SASL_MECHANISM: z
    .enum(MECHANISMS, { error: `must be ${MECHANISMS.join(", ")} or unset` })
    .optional()
    .describe("How the gateway says to Kafka who it is: plain, scram-sha-256 or scram-sha-512; unset says nothing"),
  KAFKA_SASL_USERNAME: z.string().optional().describe("The gateway's name for Kafka"),
  KAFKA_SASL_PASSWORD: z.string().optional().describe("The gateway's password for Kafka"),
  KAFKA_TLS: flag.default("false").describe("Speaks TLS with Kafka"),
  KAFKA_TLS_CA_FILE: file.describe(
    "PEM file of the authority that Kafka's certificate comes from; unset: the system's",
  ),
  KAFKA_TLS_CERT_FILE: file.describe("PEM file of the gateway's own certificate"),
  KAFKA_TLS_KEY_FILE: file.describe("PEM file of the key to it"),
  GATEWAY_USERS: z
    .string()
    .optional()
    .describe("Who may use the gateway by Basic authorisation, like ann:password,bob:password; 16 characters at least"),
  GATEWAY_TOKENS: z
    .string()
    .optional()
    .describe("Bearer tokens that may use the gateway, separated by commas; 16 characters at least"),
} as const;

/** The Kafka that a gateway stands on; files are not read yet. */
export interface GatewayKafka {
  readonly brokers: string;
  readonly sasl: { readonly mechanism: string; readonly username: string; readonly password: string } | undefined;
  readonly tls: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string } | undefined;
}

/** The gateway's own configuration. Without users and tokens it asks nobody who they are. */
export interface GatewayConfig {
  readonly kafka: GatewayKafka | undefined;
  readonly users: readonly string[];
  readonly tokens: readonly string[];
  /** Only this machine's names are answered to: it listens on loopback and asks nobody, and AUTH does not say that it may. */
  readonly ownNamesOnly: boolean;
}

const SECRET_CHARACTERS_MIN = 16;

/**
 * Reads the gateway's variables; `brokers` from the command line wins. Throws ConfigError with every problem, also for
 * listening beyond loopback without credentials.
 */
export function parseGatewayConfig(
  env: Readonly<Record<string, string | undefined>>,
  host: string,
  brokers: string | undefined,
): GatewayConfig {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ""),
  ) as Record<string, string>;
  const problems: string[] = [];
  const parsed = z.object(gatewayVariables).safeParse(given);
  for (const issue of parsed.error?.issues ?? []) problems.push(`${String(issue.path[0])} ${issue.message}`);
  const users = listOf(given.GATEWAY_USERS);
  const tokens = listOf(given.GATEWAY_TOKENS);
  if (users.some((user) => user.indexOf(":") < 1 || user.length - user.indexOf(":") - 1 < SECRET_CHARACTERS_MIN)) {
    problems.push(`GATEWAY_USERS must be name:password, the password of at least ${SECRET_CHARACTERS_MIN} characters`);
  }
  if (tokens.some((token) => token.length < SECRET_CHARACTERS_MIN)) {
    problems.push(`GATEWAY_TOKENS must have at least ${SECRET_CHARACTERS_MIN} characters each`);
  }
  const nobodyAsked = users.length === 0 && tokens.length === 0;
  if (given.AUTH === "none" && !nobodyAsked) {
    problems.push("AUTH=none and GATEWAY_USERS or GATEWAY_TOKENS contradict each other: unset one of them");
  }
  if (!isLoopback(host) && nobodyAsked && given.AUTH !== "none") {
    const advice = "set GATEWAY_USERS or GATEWAY_TOKENS, or AUTH=none to allow that";
    problems.push(`--host is "${host}", beyond loopback, and there are no credentials: ${advice}`);
  }
  const kafka = readKafka(given, brokers ?? given.KAFKA_BROKERS, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const ownNamesOnly = isLoopback(host) && nobodyAsked && given.AUTH !== "none";
  return { kafka, users, tokens, ownNamesOnly };
}

function readKafka(
  given: Readonly<Record<string, string>>,
  brokers: string | undefined,
  problems: string[],
): GatewayKafka | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = given;
  const { KAFKA_TLS_CA_FILE, KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE, KAFKA_TLS } = given;
  if (brokers === undefined) return undefined;
  if (mechanism === undefined && (username !== undefined || password !== undefined)) {
    problems.push("KAFKA_SASL_MECHANISM must be set when KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is");
  }
  if (mechanism !== undefined && (username === undefined || password === undefined)) {
    problems.push("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be set when KAFKA_SASL_MECHANISM is");
  }
  if ((KAFKA_TLS_CERT_FILE === undefined) !== (KAFKA_TLS_KEY_FILE === undefined)) {
    problems.push("KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE belong together: set both or none");
  }
  const isTls = isOn(KAFKA_TLS ?? "false");
  if (!isTls && (KAFKA_TLS_CA_FILE !== undefined || KAFKA_TLS_CERT_FILE !== undefined)) {
    problems.push("KAFKA_TLS must be true for KAFKA_TLS_CA_FILE and KAFKA_TLS_CERT_FILE to count");
  }
  return {
    brokers,
    sasl: mechanism && username && password ? { mechanism: mechanism.toUpperCase(), username, password } : undefined,
    tls: isTls
      ? {
          ...(KAFKA_TLS_CA_FILE === undefined ? {} : { caFile: KAFKA_TLS_CA_FILE }),
          ...(KAFKA_TLS_CERT_FILE === undefined ? {} : { certFile: KAFKA_TLS_CERT_FILE }),
          ...(KAFKA_TLS_KEY_FILE === undefined ? {} : { keyFile: KAFKA_TLS_KEY_FILE }),
        }
      : undefined,
  };
}

function listOf(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
