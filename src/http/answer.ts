// Answers of the accepting use case as HTTP: one as a response, one of many as an item.
import type { Context } from "hono";
import type { Answer } from "../app/accept.ts";
import { problemResponse, toProblem } from "./problem.ts";

/** The answer to one operation: 202 with its resource while it is queued, 200 once it is applied. */
export function answerResponse(c: Context, answer: Answer): Response {
  if ("problem" in answer) return problemResponse(c, answer.problem);
  const { status, ...body } = answer;
  c.header("Location", `/v1/operations/${answer.id}`);
  c.header("Tidegate-Stamp", answer.stamp);
  return c.json(body, status);
}

/** The answer to one operation of a batch, with its status inside. */
export function answerItem(answer: Answer): unknown {
  if (!("problem" in answer)) return answer;
  const problem = toProblem(answer.problem);
  return { status: problem.status, problem };
}
