// Reads of sessions and messages.
import type { Context, Hono } from "hono";
import { AppError } from "../domain/errors.ts";
import { type Service, TENANT } from "./service.ts";

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

export function readRoutes(app: Hono, { reads }: Service): void {
  app.get("/v1/sessions/:id", async (c) => c.json(await reads.entity("Session", c.req.param("id"), TENANT)));
  app.get("/v1/messages/:id", async (c) => c.json(await reads.entity("Message", c.req.param("id"), TENANT)));
  app.get("/v1/sessions/:id/messages", async (c) => {
    const id = c.req.param("id");
    await reads.entity("Session", id, TENANT);
    const cursor = c.req.query("cursor") ?? "";
    const query = { owner: "Session", id, kind: "Message", field: "session", cursor, limit: pageLimit(c) };
    return c.json(await reads.members(query, TENANT));
  });
}

function pageLimit(c: Context): number {
  const text = c.req.query("limit") ?? String(PAGE_DEFAULT);
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= PAGE_MAX) return limit;
  const detail = `limit is a whole number from 1 to ${PAGE_MAX}`;
  throw new AppError("invalid_input", detail, { faults: [{ pointer: "#/limit", detail }] });
}
