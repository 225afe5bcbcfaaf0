// What is made of a proxy's answer: its body where it is a success, AppError `broker_unavailable` where it is none.
import { AppError } from "../../domain/errors.ts";
import type { ProxyAnswer } from "./proxy-call.ts";

/** Members of a JSON object, none of them known. */
export interface Fields {
  readonly [name: string]: unknown;
}

/** Members of a JSON object; none of anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** Whether a value is a whole number from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const COMPLAINT_CHARS_MAX = 200;

/** What an error body says, as the end of a sentence; empty when it says nothing. */
export function complaint(body: unknown): string {
  const { message } = fieldsOf(body);
  return typeof message === "string" && message !== "" ? `: ${message.slice(0, COMPLAINT_CHARS_MAX)}` : "";
}

/** The body of a successful answer. Throws AppError `broker_unavailable`. */
export function bodyOf(answer: ProxyAnswer, action: string): unknown {
  if (answer.kind !== "answered") throw unavailable(action, answer.reason, answer.cause);
  if (answer.status !== 200) throw unavailable(action, `proxy answered ${answer.status}${complaint(answer.body)}`);
  if (answer.body === undefined) throw unavailable(action, "proxy answered 200 with a body that cannot be read");
  return answer.body;
}

/**
 * Whether an answer says, in the dialect's own words, that there is no such thing. Any other 404 says that the address
 * is wrong, and must not pass for a missing topic.
 */
export function saysMissing(answer: ProxyAnswer): boolean {
  return answer.kind === "answered" && answer.status === 404 && typeof fieldsOf(answer.body).error_code === "number";
}

/** The error of a call that could not be carried out. */
export function unavailable(action: string, reason: string, cause?: unknown): AppError {
  return new AppError("broker_unavailable", `Cannot ${action}: ${reason}`, { cause });
}
