// The peer of single operations: a bare hono + zod route that checks the same body and does nothing with it.
import { Hono } from "hono";
import * as z from "zod";

const message = z.strictObject({
  id: z.string().min(1).max(200).optional(),
  session: z.string().min(1).max(200),
  user: z.string().min(1).max(200),
  content: z.string().min(1).max(65_536),
  sentAt: z.iso.datetime({ offset: true }).optional(),
  seq: z.int().min(0).optional(),
});

export const bare = new Hono();
bare.post("/v1/chat-messages/create", async (c) => {
  const parsed = message.safeParse(await c.req.json());
  return parsed.success ? c.json({ ok: true, id: parsed.data.id }, 202) : c.json({ ok: false }, 422);
});
