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

/** Characters of a batch's answers beyond which they no longer say what entities hold: that is to be read then. */
const ITEMS_MAX = 16 * 1_048_576;

/** Makes the answers to the operations of one batch, each as JSON with its status inside. */
export function itemTexts(): (answer: Answer) => string {
  let left = ITEMS_MAX;
  return (answer) => {
    const text = JSON.stringify(answerItem(answer, left > 0));
    left -= text.length;
    return text;
  };
}

function answerItem(answer: Answer, whole: boolean): unknown {
  if ("problem" in answer) {
    const problem = toProblem(answer.problem);
    return { status: problem.status, problem };
  }
  if (whole) return answer;
  const { values: _, result: __, ...rest } = answer;
  return rest;
}
