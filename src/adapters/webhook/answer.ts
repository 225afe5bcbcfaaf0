// What a receiver's answer means. Bodies of answers that are no success are never read.
import { findUnstorable, type Json } from "../../domain/json.ts";
import type { WebhookResult } from "../../ports/webhook.ts";

const RETRYABLE_4XX = new Set([408, 425, 429]);
const RETRY_AFTER_MAX_MS = 3_600_000;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const MEDIA_TYPE_JSON = /^[^;]*[/+]json\s*(;|$)/i;

/** How an answer is read. */
export interface ReadAnswer {
  readonly bytesMax: number;
  readonly nowMs: number;
  /** Ends the reading of a body. */
  readonly signal: AbortSignal;
}

/**
 * The result that an answer stands for. A body is JSON when its content type says so, or says nothing and it is; any
 * other is text, in which what is no UTF-8 and NUL become U+FFFD. Rejects when the connection breaks.
 */
export async function readAnswer(response: Response, how: ReadAnswer): Promise<WebhookResult> {
  const { status } = response;
  const discard = (result: WebhookResult): WebhookResult => {
    response.body?.cancel().catch(() => {});
    return result;
  };
  // Browsers and their like hide a redirect that they were told not to follow.
  if (response.type === "opaqueredirect") return discard(failed(undefined, "the receiver answered with a redirect"));
  if (status >= 300 && status < 400) return discard(failed(status, `the receiver answered ${status}, a redirect`));
  if (status === 202) return discard({ status: "answered", code: status, body: null });
  if (!response.ok) return discard(refusal(response, how.nowMs));
  const tooLarge = failed(status, `the answer is larger than ${how.bytesMax} bytes`);
  if (Number(response.headers.get("content-length")) > how.bytesMax) return discard(tooLarge);
  const bytes = await readBytes(response, how);
  if (bytes === undefined) return tooLarge;
  return bytes.length === 0 ? { status: "answered", code: status, body: null } : interpret(response, bytes);
}

function failed(code: number | undefined, reason: string): WebhookResult {
  return { status: "failed", retryable: false, reason, ...(code === undefined ? {} : { code }) };
}

function refusal(response: Response, nowMs: number): WebhookResult {
  const { status: code } = response;
  const reason = `the receiver answered ${code}`;
  if (code < 500 && !RETRYABLE_4XX.has(code)) return failed(code, reason);
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), nowMs);
  const after = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { status: "failed", retryable: true, reason, code, ...after };
}

/** Milliseconds that a Retry-After header asks for, an hour at most; undefined when it says nothing clear. */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = value?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : HTTP_DATE.test(text) ? Date.parse(text) - nowMs : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

/** The body; undefined as soon as it is larger than allowed. */
async function readBytes(response: Response, { bytesMax, signal }: ReadAnswer): Promise<Uint8Array | undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const cancel = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, length);
    length += value.length;
    if (length > bytesMax) {
      cancel();
      return undefined;
    }
    chunks.push(value);
  }
}

/** Most answers come in one piece. */
function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function interpret(response: Response, bytes: Uint8Array): WebhookResult {
  const { status: code } = response;
  const type = response.headers.get("content-type");
  const body = type === null || MEDIA_TYPE_JSON.test(type) ? parseJson(bytes) : undefined;
  if (body === undefined) {
    if (type !== null && MEDIA_TYPE_JSON.test(type)) return failed(code, "the answer is no JSON");
    return { status: "answered", code, body: new TextDecoder().decode(bytes).replaceAll("\0", "\uFFFD") };
  }
  const unstorable = findUnstorable(body);
  if (unstorable === null) return { status: "answered", code, body };
  return failed(code, `the answer cannot be kept: ${unstorable.pointer} ${unstorable.detail}`);
}

function parseJson(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Json;
  } catch {
    return undefined;
  }
}
