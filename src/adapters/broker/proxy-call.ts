// One request to a REST proxy, and what is known when it fails: whether it can have been carried out.

/** How a request is sent. */
export interface FetchInit {
  readonly method: ProxyRequest["method"];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal | null;
  /** A redirect would send records, and the authorisation, to a host that nobody configured. */
  readonly redirect: "manual";
}

/** As much of a Response as is looked at. Breaking off the body ends the answer. */
export interface Fetched {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** Anything that answers requests: the global fetch, a cheaper client, or an app in this process. */
export type Fetch = (url: string, init: FetchInit) => Fetched | Promise<Fetched>;

/** The same for whoever makes whole requests and looks at whole answers. */
export type RequestFetch = (request: Request) => Response | Promise<Response>;

/** A fetch that makes its requests whole. */
export function fetchOf(fetch: RequestFetch): Fetch {
  return (url, init) => fetch(new Request(url, init));
}

/** A request to be sent. */
export interface ProxyRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the proxy's address, segments already encoded. */
  readonly path: string;
  /** In place of the proxy's address; the caller has made sure that it may be spoken to. */
  readonly base?: string;
  /** Makes a value of the body's text; undefined when it cannot. Default: the JSON of a whole answer. */
  readonly parse?: (text: string, isWhole: boolean) => unknown;
  readonly contentType?: string;
  readonly accept: string;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `unsent`: it never left, so nothing was done; `heal` says whether it may leave later. `lost`: it left and nothing is
 * known. `answered`: `body` is undefined when it is not JSON, broken, or larger than allowed.
 */
export type ProxyAnswer =
  | { readonly kind: "unsent"; readonly heal: boolean; readonly reason: string; readonly cause?: unknown }
  | { readonly kind: "lost"; readonly reason: string; readonly cause: unknown }
  | { readonly kind: "answered"; readonly status: number; readonly body: unknown };

/** Where the proxy is and how to speak to it. */
export interface ProxyOptions {
  /** Address of the proxy; user and password in it become a Basic authorisation, query and fragment are dropped. */
  readonly url: string;
  readonly fetch: Fetch;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of an answer that are read. */
  readonly answerBytesMax: number;
}

/** Failures of opening a connection: the request was never sent. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);
const CAUSES_MAX = 8;

/** Sends one request; never throws. */
export type ProxyCall = (request: ProxyRequest) => Promise<ProxyAnswer>;

/** Calls a proxy. */
export function proxyCaller(options: ProxyOptions): ProxyCall {
  const url = new URL(options.url);
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  const { headers, fault } = checked({ ...authorization(url), ...options.headers });

  const send = (call: ProxyRequest): Fetched | Promise<Fetched> => {
    const contentType = call.contentType === undefined ? {} : { "content-type": call.contentType };
    return options.fetch(`${call.base ?? base}${call.path}`, {
      method: call.method,
      headers: { ...headers, accept: call.accept, ...contentType },
      body: call.body ?? null,
      signal: call.signal ?? null,
      redirect: "manual",
    });
  };
  return async (call) => {
    if (call.signal?.aborted === true) return { kind: "unsent", heal: true, reason: "cancelled before it was sent" };
    if (fault !== undefined) return fault;
    try {
      const response = await send(call);
      if (call.parse === undefined) {
        const text = await readText(response, options.answerBytesMax);
        return { kind: "answered", status: response.status, body: parse(text) };
      }
      const { text, isWhole } = await readAvailable(response, options.answerBytesMax);
      return { kind: "answered", status: response.status, body: call.parse(text, isWhole) };
    } catch (cause) {
      if (neverSent(cause)) return { kind: "unsent", heal: true, reason: `no connection: ${words(cause)}`, cause };
      return { kind: "lost", reason: `no answer: ${words(cause)}`, cause };
    }
  };
}

/** Headers as every client takes them; or what comes of requests with them, when nobody can send them. */
function checked(given: Record<string, string>): { headers: Record<string, string>; fault?: ProxyAnswer } {
  try {
    return { headers: Object.fromEntries(new Headers(given)) };
  } catch (cause) {
    const reason = `the request cannot be made: ${words(cause)}`;
    return { headers: {}, fault: { kind: "unsent", heal: false, reason, cause } };
  }
}

/** Whether an error says that no connection came about; of several attempts all have to say so. */
export function neverSent(error: unknown, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > CAUSES_MAX) return false;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.every((each) => neverSent(each, depth + 1));
  if (typeof code === "string" && NEVER_SENT.has(code)) return true;
  return neverSent(cause, depth + 1);
}

/** The innermost message of an error. */
export function words(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error && depth < CAUSES_MAX) return words(error.cause, depth + 1);
  const code = (error as { code?: unknown }).code;
  return error.message !== "" ? error.message : typeof code === "string" ? code : error.name;
}

function authorization(url: URL): Record<string, string> {
  if (url.username === "" && url.password === "") return {};
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}` };
}

/** The body as text; undefined when it is larger than `bytesMax`. Throws when the connection breaks. */
export async function readText(response: Fetched, bytesMax: number): Promise<string | undefined> {
  const { text, isWhole, cause } = await readAvailable(response, bytesMax);
  if (cause !== undefined) throw cause;
  return isWhole ? text : undefined;
}

/** The body as far as it came, and why it ended when it broke. */
async function readAvailable(
  response: Fetched,
  bytesMax: number,
): Promise<{ readonly text: string; readonly isWhole: boolean; readonly cause?: unknown }> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > bytesMax) return { text, isWhole: false };
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (cause) {
    return { text, isWhole: false, cause };
  }
  return { text: text + decoder.decode(), isWhole: true };
}

function parse(text: string | undefined): unknown {
  if (text === undefined || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
