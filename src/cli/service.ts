// The running service as the commands see it: one request, and failures in words.
import { type Problem, readProblem } from "../client/answers.ts";
import { retryAfterMs } from "../client/retry-after.ts";
import { Failure, messageOf } from "./failure.ts";

/** One request. Times out; the caller may abort it earlier. */
export interface ServiceRequest {
  readonly method?: "GET" | "POST";
  readonly body?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly apiKey?: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The service refused a request. */
export class Refusal extends Failure {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** A Tidegate says that there is no such thing; any other 404 says that the address is wrong. */
  readonly isNotFound: boolean;
  /** Where it is not known what became of an operation: what repeats it as the same one. */
  readonly retryToken: string | undefined;
  constructor(response: Response, body: string) {
    super(`The service answered ${explain(response.status, body)}`);
    this.name = "Refusal";
    this.status = response.status;
    const { code, retryToken } = readProblem(body);
    this.isNotFound = code === "not_found";
    this.retryToken = typeof retryToken === "string" ? retryToken : undefined;
    this.retryAfterMs = retryAfterMs(response.headers.get("retry-after"), Date.now());
  }
}

const TIMEOUT_MS = 60_000;

/** Sends a request; throws whatever fetch throws. */
function request(url: string, path: string, options: ServiceRequest = {}): Promise<Response> {
  const { method = "GET", body, headers = {}, apiKey, timeoutMs = TIMEOUT_MS, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  return fetch(url + path, {
    method,
    headers: { ...headers, ...authorization(apiKey) },
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    ...(body === undefined ? {} : { body }),
  });
}

/** The header that an API key is sent in. */
export function authorization(apiKey: string | undefined): { readonly authorization?: string } {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

/** Sends a request whose answer must be a success; throws Refusal when it is none, Failure without an answer. */
export async function ask(url: string, path: string, options: ServiceRequest = {}): Promise<Response> {
  let response: Response;
  try {
    response = await request(url, path, options);
  } catch (error) {
    throw unreachable(url, error);
  }
  if (response.ok) return response;
  throw new Refusal(response, await response.text().catch(() => ""));
}

/** Like {@link ask}, for an answer in JSON. */
export async function askJson<Body>(url: string, path: string, options: ServiceRequest = {}): Promise<Body> {
  const response = await ask(url, path, options);
  try {
    return (await response.json()) as Body;
  } catch (error) {
    throw new Failure(`${url}${path} did not answer with JSON (${connectionReason(error)}); is it Tidegate's address?`);
  }
}

/** The failure of a service that cannot be reached. */
export function unreachable(url: string, error: unknown): Failure {
  const reason = connectionReason(error);
  const advice = 'start it with "tidegate start", or name another with --url or TIDEGATE_URL';
  return new Failure(`Cannot reach the service at ${url}: ${reason}; ${advice}`, { cause: error });
}

const CONNECTION_ERRORS: { readonly [code: string]: string } = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection lost",
  EPIPE: "connection lost",
  UND_ERR_SOCKET: "connection lost",
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "the host's name cannot be looked up now",
};

/** Why a request got no answer, in words. */
export function connectionReason(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer in time";
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return CONNECTION_ERRORS[code] ?? messageOf(cause);
}

/** An error answer in one line: status and what the problem says. */
export function explain(status: number, body: string): string {
  const problem = readProblem(body);
  if (problem.code === undefined) return `${status}, and not as a Tidegate does; is it the address of one?`;
  const advice = status === 401 ? "; give a key with TIDEGATE_API_KEY or --api-key" : "";
  return `${status}: ${explainProblem(problem)}${advice}`;
}

/** A problem in words. */
export function explainProblem({ title, detail, code }: Problem): string {
  const text = detail ?? title ?? "";
  return code === undefined ? text : `${code}: ${text}`;
}

/** Posts JSON and reads JSON. */
export function postJson<Body>(url: string, path: string, body: string, apiKey?: string): Promise<Body> {
  return askJson<Body>(url, path, { method: "POST", headers: { "content-type": "application/json" }, body, apiKey });
}
