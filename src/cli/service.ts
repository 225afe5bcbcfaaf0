// The running service as the commands see it: one request, and failures in words.
import { Failure, messageOf } from "./failure.ts";

/** One request. Times out; the caller may abort it earlier. */
export interface ServiceRequest {
  readonly method?: "GET" | "POST";
  readonly body?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** An RFC 9457 problem, as far as the commands read it. */
export interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

const TIMEOUT_MS = 60_000;

/** Sends a request; throws whatever fetch throws. */
function request(url: string, path: string, options: ServiceRequest = {}): Promise<Response> {
  const { method = "GET", body, headers = {}, timeoutMs = TIMEOUT_MS, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  return fetch(url + path, {
    method,
    headers,
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    ...(body === undefined ? {} : { body }),
  });
}

/** Sends a request whose answer must be a success; throws Failure otherwise. */
export async function ask(url: string, path: string, options: ServiceRequest = {}): Promise<Response> {
  let response: Response;
  try {
    response = await request(url, path, options);
  } catch (error) {
    throw unreachable(url, error);
  }
  if (response.ok) return response;
  throw new Failure(`The service answered ${explain(response.status, await response.text().catch(() => ""))}`);
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
  return `${status}: ${explainProblem(problem)}`;
}

/** Reads a problem; an answer that is none is an empty one. */
export function readProblem(text: string): Problem {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === "object" && problem !== null ? problem : {};
  } catch {
    return {};
  }
}

/** A problem in words. */
export function explainProblem({ title, detail, code }: Problem): string {
  const text = detail ?? title ?? "";
  return code === undefined ? text : `${code}: ${text}`;
}

/** Milliseconds that a `Retry-After` header asks for: seconds or a date. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
