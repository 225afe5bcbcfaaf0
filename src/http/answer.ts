// Answers of the accepting use case as HTTP: one as a response, one of many as an item.
import type { Context } from "hono";
import type { Answer } from "../app/answer.ts";
import { problemResponse, toProblem } from "./problem.ts";

/**
 * The answer to one operation: 202 with its resource while it is queued, 200 once it is applied. The headers stay a plain
 * object: a Headers is made, sorted and taken apart again for every operation otherwise.
 */
export function answerResponse(c: Context, answer: Answer, further: Readonly<Record<string, string>> = {}): Response {
  if ("problem" in answer) return problemResponse(c, answer.problem);
  const { status, ...body } = answer;
  const headers = {
    "Content-Type": "application/json",
    Location: `/v1/operations/${answer.id}`,
    "Tidegate-Stamp": answer.stamp,
    ...further,
  };
  return new Response(JSON.stringify(body), { status, headers });
}

/** The answer to one operation of a batch, with its status inside. */
export function answerItem(answer: Answer): unknown {
  if (!("problem" in answer)) return answer;
  const problem = toProblem(answer.problem);
  return { status: problem.status, problem };
}
