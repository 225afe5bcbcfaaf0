// The Prefer header (RFC 7240): how long a client wants to wait, and how much it wants to hear.
import type { Context } from "hono";
import { WAIT_MS } from "../app/accept.ts";
import type { Answer } from "../app/answer.ts";
import type { OperationStatus } from "../app/reads.ts";
import type { Principal } from "../domain/principal.ts";
import { answerResponse } from "./answer.ts";
import type { Service } from "./service.ts";
import { shownAnswer } from "./shown.ts";

/** Nobody waits longer than that, whatever they prefer. */
export const WAIT_SECONDS_MAX = 30;

/** What a request prefers. Preferences that are not known are ignored, as the standard says. */
export interface Prefer {
  /** Seconds to wait for the outcome, bounded; undefined when nothing was said. */
  readonly wait?: number;
  readonly async?: true;
  readonly minimal?: true;
}

/** Between commas, which a quoted text may hold. */
const PREFERENCE = /(?:"(?:[^"\\]|\\.)*"|[^,])+/g;
/** A preference without its parameters, which none of ours has. */
const NAMED = /^\s*([^\s=;,"]+)\s*(?:=\s*(?:"([^"]*)"|([^\s;"]*)))?\s*(?:;|$)/;

/** Reads the header; of a preference that is named twice the first counts. */
export function readPrefer(header: string | undefined): Prefer {
  if (header === undefined) return {};
  const given = new Map<string, string>();
  for (const part of header.slice(0, 1_000).match(PREFERENCE) ?? []) {
    const [, name, quoted, value = quoted ?? ""] = NAMED.exec(part) ?? [];
    if (name !== undefined && !given.has(name.toLowerCase())) given.set(name.toLowerCase(), value.toLowerCase());
  }
  const wait = given.get("wait");
  return {
    ...(wait !== undefined && /^\d{1,9}$/.test(wait) ? { wait: Math.min(Number(wait), WAIT_SECONDS_MAX) } : {}),
    ...(given.has("respond-async") ? { async: true } : {}),
    ...(given.get("return") === "minimal" ? { minimal: true } : {}),
  };
}

/** How long accepting may wait for prepared work, as milliseconds; undefined leaves the default. */
export function acceptWait({ wait, async }: Prefer): { waitMs?: number } {
  if (async && wait === undefined) return { waitMs: 0 };
  return wait === undefined ? {} : { waitMs: wait * 1_000 };
}

/**
 * Makes the function that says how long a chunk of a batch may wait for prepared work: what is left of the request's time,
 * so that many chunks wait no longer than one. Says so when nothing is waited for.
 */
export function batchWait(c: Context, { clock }: Pick<Service, "clock">): () => { waitMs: number } {
  const prefer = readPrefer(c.req.header("prefer"));
  const { waitMs = WAIT_MS } = acceptWait(prefer);
  const untilMs = clock.nowMs() + waitMs;
  if (prefer.async && waitMs === 0) c.header("Preference-Applied", "respond-async");
  return () => ({ waitMs: Math.max(0, untilMs - clock.nowMs()) });
}

type Accepted = Exclude<Answer, { problem: unknown }>;

/** Answers an operation as its request, begun at `sinceMs`, prefers and may see; says which preferences were applied. */
export async function preferredResponse(
  c: Context,
  service: Service,
  principal: Principal,
  answer: Answer,
  prefer: Prefer,
  sinceMs: number,
): Promise<Response> {
  if ("problem" in answer) return answerResponse(c, answer);
  const settled = await settledAnswer(service, principal.tenant, answer, prefer, sinceMs);
  const final = shownAnswer(settled, principal);
  const applied = [
    ...(prefer.wait === undefined ? [] : [`wait=${prefer.wait}`]),
    // What is done already is not answered later.
    ...(prefer.async && final.status === 202 ? ["respond-async"] : []),
    ...(prefer.minimal ? ["return=minimal"] : []),
  ];
  const said = applied.length > 0 ? { "Preference-Applied": applied.join(", ") } : {};
  if (!prefer.minimal) return answerResponse(c, final, said);
  const { status, id, stamp } = final;
  return c.body(null, status, { Location: `/v1/operations/${id}`, "Tidegate-Stamp": stamp, ...said });
}

/** The answer once the operation has its outcome, or as it was when that takes longer than the client waits. */
async function settledAnswer(
  { reads, clock, log }: Service,
  tenant: string,
  answer: Accepted,
  { wait = 0 }: Prefer,
  sinceMs: number,
): Promise<Accepted> {
  if (answer.status === 200 || wait === 0) return answer;
  try {
    const [status] = await reads.settled([answer.id], tenant, sinceMs + wait * 1_000 - clock.nowMs());
    return status === undefined || status === null || status.state === "pending" ? answer : mergeStatus(answer, status);
  } catch (error) {
    // It is accepted, whatever becomes of the wait.
    log.requestFailed(error);
    return answer;
  }
}

function mergeStatus(answer: Accepted, { state, ...status }: OperationStatus): Accepted {
  const code = state === "parked" ? 202 : 200;
  return { ...answer, ...status, status: code, outcome: state } as Accepted;
}
