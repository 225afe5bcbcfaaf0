// What every error answer has to be: an RFC 9457 problem document with a stable code.
import { expect } from "vitest";
import { ERRORS, type ErrorCode } from "../../src/domain/errors.ts";
import { PROBLEMS } from "../../src/http/problem.ts";
import { type Answered, read } from "./service.ts";

/** Holds an answer to the form of a problem with this code; answers its body for further looks. */
export function expectProblem({ status, headers, body }: Answered, code: ErrorCode) {
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({
    type: `/problems/${code}`,
    title: PROBLEMS[code].title,
    status,
    code,
    retryable: ERRORS[code].retryable,
  });
  expect(status).toBe(PROBLEMS[code].status);
  expect(body.detail.length).toBeGreaterThan(0);
  return body as typeof body & { readonly errors?: readonly { readonly pointer: string; readonly detail: string }[] };
}

/** Reads a response that has to be a problem with this code. */
export async function readProblem(response: Response, code: ErrorCode) {
  return expectProblem(await read(response), code);
}
