// Dead letters over HTTP: list, inspect, replay, edit, discard, one or by filter.
import type { Context, Hono } from "hono";
import * as z from "zod";
import { AppError, type InputFault } from "../domain/errors.ts";
import { findUnstorable, type Json, pointerPart } from "../domain/json.ts";
import type { ParkedFilter } from "../ports/database.ts";
import { answerResponse } from "./answer.ts";
import { decodeText, parseJson, readBytes, requireMediaType } from "./body.ts";
import { LIMIT_MAX, pageOf } from "./page.ts";
import { tenantOf } from "./principal.ts";
import type { Service } from "./service.ts";

const name = z.string().min(1).max(300);
const filter = z.strictObject({ flow: name.optional(), topic: name.optional(), reason: name.optional() });

/** Body of a decision about many. */
export const bulk = z.strictObject({
  filter: filter.default({}),
  dryRun: z.boolean().default(false),
  cursor: z.string().max(2_000).default(""),
  limit: z.int().min(1).max(LIMIT_MAX).default(100),
});

/** Body of a replay: the record as it ought to have been, or nothing. */
export const edit = z.strictObject({ value: z.union([z.string().min(1), z.record(z.string(), z.json())]).optional() });

/** Body of a discard. */
export const nothing = z.strictObject({});

export function parkedRoutes(app: Hono, service: Service): void {
  const { deadLetters } = service;
  app.get("/v1/parked", async (c) => {
    const { cursor, limit } = pageOf(c);
    const { cursor: _, limit: __, ...given } = c.req.query();
    return c.json(await deadLetters.list(checked(filter, given) as ParkedFilter, cursor, limit));
  });
  for (const verdict of ["replay", "discard"] as const) {
    app.post(`/v1/parked/${verdict}`, async (c) => {
      const { filter: which, ...options } = checked(bulk, await bodyOf(c, service));
      return c.json(await deadLetters.decideAll(verdict, which as ParkedFilter, options, tenantOf(c, service)));
    });
  }
  const at = "/v1/parked/:topic/:partition/:offset";
  app.get(at, async (c) => c.json(await deadLetters.inspect(recordOf(c))));
  app.post(`${at}/replay`, async (c) => {
    const { value } = checked(edit, await bodyOf(c, service));
    const text = value === undefined || typeof value === "string" ? value : JSON.stringify(value);
    return answerResponse(c, await deadLetters.replay(recordOf(c), tenantOf(c, service), text));
  });
  app.post(`${at}/discard`, async (c) => {
    checked(nothing, await bodyOf(c, service));
    return answerResponse(c, await deadLetters.discard(recordOf(c), tenantOf(c, service)));
  });
}

function recordOf(c: Context): string {
  const { topic, partition, offset } = c.req.param();
  return `${topic}/${partition}/${offset}`;
}

/** The body as JSON; none stands for an empty object, but one without a Content-Type is not passed over. */
async function bodyOf(c: Context, { limits }: Service): Promise<unknown> {
  const bytes = await readBytes(c, limits.bodyBytesMax);
  if (c.req.header("content-type") === undefined && bytes.byteLength === 0) return {};
  requireMediaType(c, "application/json");
  return parseJson(decodeText(bytes), "The body");
}

function checked<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  // First of all: what is nested too deeply cannot be checked either.
  const unstorable = findUnstorable(given as Json);
  if (unstorable !== null) throw invalid([unstorable]);
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => {
    const paths = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return paths.map((path) => ({
      pointer: `#${path.map((part) => `/${pointerPart(String(part))}`).join("")}`,
      detail: issue.message,
    }));
  });
  throw invalid(faults);
}

function invalid(faults: readonly InputFault[]): AppError {
  return new AppError("invalid_input", `${faults[0]!.pointer}: ${faults[0]!.detail}`, { faults: faults.slice(0, 20) });
}
