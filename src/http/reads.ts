// Reads: entities by kind and id, lists, searches, what lies around an entity. Each may wait for an operation (`?after=`).
import type { Context, Hono } from "hono";
import * as z from "zod";
import { AppError } from "../domain/errors.ts";
import { pointerPart } from "../domain/json.ts";
import { pluralOf, type Search } from "../domain/model.ts";
import { type Data, time, toQuery } from "../flows/define.ts";
import { awaitAfter } from "./after.ts";
import { pageOf } from "./page.ts";
import { tenantOf } from "./principal.ts";
import type { Service } from "./service.ts";

const DEPTH_MAX = 3;

const text = z.string().min(1).max(1_000);

/** The parameters of a search for a kind. */
function searchSchema({ text: texts, tags, ended }: Search): z.ZodType {
  return z
    .strictObject({
      user: text,
      from: time,
      to: time,
      ...(texts.length === 0 ? {} : { text }),
      ...(tags === undefined ? {} : { tags: z.array(text).max(20) }),
      ...(ended === undefined ? {} : { state: z.enum(["active", "ended"]) }),
    })
    .partial();
}

export function readRoutes(app: Hono, service: Service): void {
  const { reads, queries } = service;
  const kinds = service.flows.flatMap((flow) => flow.kinds);
  const has = (...names: string[]): boolean => names.every((name) => kinds.some((kind) => kind.name === name));
  for (const { name: kind, search } of kinds) {
    if (search === undefined) continue;
    const schema = searchSchema(search);
    app.get(`/v1/${pluralOf(kind)}`, async (c) => {
      await awaitAfter(c, service, tenantOf(c, service));
      const { cursor, limit } = pageOf(c);
      return c.json(await queries.find(toQuery(tenantOf(c, service), kind, searched(c, schema)), cursor, limit));
    });
  }
  if (has("Summary"))
    app.get("/v1/users/:id/summary", async (c) => {
      await awaitAfter(c, service, tenantOf(c, service));
      return c.json(await reads.latestSummary("User", c.req.param("id"), tenantOf(c, service)));
    });
  if (has("Session", "Message"))
    app.get("/v1/sessions/:id/messages", async (c) => {
      await awaitAfter(c, service, tenantOf(c, service));
      const id = c.req.param("id");
      await reads.entity("Session", id, tenantOf(c, service));
      const query = { owner: "Session", id, kind: "Message", field: "session", ...pageOf(c) };
      return c.json(await reads.members(query, tenantOf(c, service)));
    });
  for (const { name } of kinds) {
    app.get(`/v1/${pluralOf(name)}/:id`, async (c) => {
      await awaitAfter(c, service, tenantOf(c, service));
      return c.json(await reads.entity(name, c.req.param("id"), tenantOf(c, service)));
    });
  }
  app.get("/v1/graph/:kind/:id", async (c) => {
    await awaitAfter(c, service, tenantOf(c, service));
    const { kind: given, id } = c.req.param();
    const kind = kinds.find(({ name }) => pluralOf(name) === given)?.name ?? given;
    return c.json(await service.neighbourhood({ kind, id, tenant: tenantOf(c, service), depth: depthOf(c) }));
  });
}

/** The parameters of a search, checked; `tags` may be repeated or hold a comma list. */
function searched(c: Context, schema: z.ZodType): Data {
  const { cursor: _, limit: __, after: ___, tags, ...rest } = c.req.queries();
  const given = {
    ...Object.fromEntries(Object.entries(rest).map(([name, values]) => [name, values[0]])),
    ...(tags === undefined ? {} : { tags: listOf(c, "tags") }),
  };
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data as Data;
  const faults = parsed.error.issues.flatMap((issue) => {
    const names = issue.code === "unrecognized_keys" ? issue.keys : [String(issue.path[0] ?? "")];
    return names.map((name) => ({ pointer: `#/${pointerPart(name)}`, detail: issue.message }));
  });
  throw new AppError("invalid_input", `${faults[0]!.pointer}: ${faults[0]!.detail}`, { faults });
}

/** The texts of a parameter that is repeated or holds a comma list: a comma that is encoded belongs to its text. */
function listOf(c: Context, name: string): string[] {
  const pairs = (c.req.url.split("?", 2)[1] ?? "").split(/[&#]/);
  return pairs.flatMap((pair) => {
    if (!new URLSearchParams(pair).has(name)) return [];
    const parts = pair.slice(pair.indexOf("=") + 1).split(",");
    return parts.map((part) => new URLSearchParams(`${name}=${part}`).get(name)!).filter((text) => text !== "");
  });
}

function depthOf(c: Context): number {
  const given = c.req.query("depth") ?? "1";
  if (/^[1-9]$/.test(given) && Number(given) <= DEPTH_MAX) return Number(given);
  const detail = `depth is a whole number from 1 to ${DEPTH_MAX}`;
  throw new AppError("invalid_input", detail, { faults: [{ pointer: "#/depth", detail }] });
}
