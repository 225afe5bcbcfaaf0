// Why a proxy cannot be used, in one line that says what was tried and what to do.
import { identify } from "./identify.ts";
import { type Fetch, type ProxyAnswer, proxyCaller, words } from "./proxy-call.ts";

/** What to look at. */
export interface DiagnoseOptions {
  readonly url: string;
  readonly dialect: string;
  readonly fetch: Fetch;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What was found; `advice` says what to do, and is absent when all is well. */
export interface Diagnosis {
  readonly found: string;
  readonly advice?: string;
}

const ANSWER_BYTES_MAX = 1024 * 1024;
/** The whole look takes no longer. */
const LOOK_MS = 3_000;
const PROXIES = "tidegate gateway --kafka, Confluent REST Proxy, Karapace, Strimzi's bridge, Redpanda or Upstash";

/** Looks at a proxy, in three seconds at most; never throws. It only reads. */
export async function diagnoseProxy({ url, dialect, fetch, headers = {} }: DiagnoseOptions): Promise<Diagnosis> {
  const signal = AbortSignal.timeout(LOOK_MS);
  const call = proxyCaller({ url, fetch, headers, answerBytesMax: ANSWER_BYTES_MAX });
  const identity = await identify(call, signal);
  if (identity.kind === "no_answer") return noAnswer(url, identity.answer, signal.aborted);
  if (identity.kind === "locked") return locked(url, identity.status, headers.authorization);
  if (identity.kind === "ailing") {
    return {
      found: `${url} answers ${identity.status} to GET /topics${identity.complaint}`,
      advice: "see that Kafka runs, that the proxy reaches it, and that KAFKA_URL is the proxy's address",
    };
  }
  if (identity.kind === "stranger") {
    return {
      found: `${url} is ${identity.name} (asked GET /topics)`,
      advice: `set KAFKA_URL to the address of an HTTP proxy of Kafka: ${PROXIES}`,
    };
  }
  if (identity.speaks.includes(dialect)) return { found: `${url} is ${identity.name}` };
  return {
    found: `${url} is ${identity.name}, and KAFKA_URL says dialect "${dialect}"`,
    advice: `set ?dialect=${identity.speaks[0]} in KAFKA_URL`,
  };
}

/** A diagnosis in one line; null when all is well. */
export function complaintOf({ found, advice }: Diagnosis): string | null {
  return advice === undefined ? null : `${found}: ${advice}`;
}

function locked(url: string, status: number, authorization: string | undefined): Diagnosis {
  if (authorization === undefined) {
    return {
      found: `${url} asks for credentials (it answered ${status} to GET /topics)`,
      advice: "set KAFKA_USERNAME and KAFKA_PASSWORD, or KAFKA_TOKEN",
    };
  }
  const what = authorization.startsWith("Bearer ") ? "KAFKA_TOKEN" : "KAFKA_USERNAME and KAFKA_PASSWORD";
  const found = `${url} refuses these credentials (it answered ${status} to GET /topics)`;
  return { found, advice: `correct ${what}, or give that user the right to list topics` };
}

const MANY = 8;

/** The codes of an error and of everything that caused it. */
function codesOf(error: unknown, depth = 0): string[] {
  if (typeof error !== "object" || error === null || depth > MANY) return [];
  const { code, name, cause, errors } = error as { code?: unknown; name?: unknown; cause?: unknown; errors?: unknown };
  const inner = Array.isArray(errors) ? errors.flatMap((each) => codesOf(each, depth + 1)) : [];
  return [String(code ?? ""), String(name ?? ""), ...inner, ...codesOf(cause, depth + 1)];
}

function noAnswer(url: string, answer: ProxyAnswer, isLate: boolean): Diagnosis {
  const { host } = new URL(url);
  const cause = answer.kind === "answered" ? undefined : answer.cause;
  const codes = codesOf(cause).join(" ");
  const said = (found: string, advice: string): Diagnosis => ({ found: `${found} (asked GET ${url}/topics)`, advice });
  if (codes.includes("ECONNREFUSED")) {
    return said(`nothing listens at ${host}: connection refused`, "start the proxy, or correct KAFKA_URL");
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(codes)) {
    return said(`there is no host named ${new URL(url).hostname}`, "correct KAFKA_URL, or the name service");
  }
  if (/SSL_WRONG_VERSION|EPROTO|SSL_PACKET_LENGTH/.test(codes)) {
    return said(`${host} does not speak https`, "write http:// in KAFKA_URL, or give the port that speaks https");
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(codes)) {
    const why = `the certificate of ${host} is not to be trusted: ${words(cause)}`;
    return said(why, "set KAFKA_TLS_CA to the file of the authority that signed it, or correct KAFKA_URL");
  }
  if (isLate || /Timeout|Abort|ETIMEDOUT/i.test(codes)) {
    const found = `${host} takes connections and does not answer within ${LOOK_MS / 1_000} s`;
    return said(found, "see that the proxy works, and that KAFKA_URL is the port of HTTP");
  }
  if (codes.includes("HPE_") || /does not match the HTTP/.test(words(cause))) {
    return said(`${host} speaks something that is not HTTP`, `set KAFKA_URL to an HTTP proxy of Kafka: ${PROXIES}`);
  }
  if (/UND_ERR|ECONNRESET|EPIPE/.test(codes)) {
    const advice = `that is what Kafka's own port does, and one that wants https: set KAFKA_URL to an HTTP proxy (${PROXIES})`;
    return said(`${host} hung up without an HTTP answer`, advice);
  }
  const reason = answer.kind === "answered" ? String(answer.status) : answer.reason;
  return said(`${host} cannot be asked: ${reason}`, "see that the proxy runs and that KAFKA_URL is its address");
}
