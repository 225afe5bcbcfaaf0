// Batches of CloudEvents in the JSON format, which events and operations come in alike.
import type { Context } from "hono";
import type { Submission } from "../app/intake.ts";
import { type AppError, asAppError } from "../domain/errors.ts";
import { readArray, type Take } from "./batch.ts";
import { fromCloudEvent, pointToMembers } from "./cloud-event.ts";
import type { Service } from "./service.ts";

/** Reads a batch and answers each event, in order. */
export function readEvents(c: Context, service: Service, takeAll: Take): Promise<Response> {
  const take: Take = async (submissions) =>
    (await takeAll(submissions)).map((answer) =>
      "problem" in answer ? { problem: pointToMembers(answer.problem) } : answer,
    );
  return readArray(c, service, take, readEvent);
}

function readEvent(item: unknown): Submission | AppError {
  try {
    return { flow: "events", type: "record", data: fromCloudEvent(item) };
  } catch (error) {
    return asAppError(error);
  }
}
