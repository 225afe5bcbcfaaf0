// The peer of single operations: a bare hono + zod route that checks the same body and does nothing with it.
import { createAdaptorServer } from "@hono/node-server";
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

const app = new Hono();
app.post("/v1/chat-messages/create", async (c) => {
  const parsed = message.safeParse(await c.req.json());
  return parsed.success ? c.json({ ok: true, id: parsed.data.id }, 202) : c.json({ ok: false }, 422);
});

const server = createAdaptorServer({ fetch: app.fetch });
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null)
    process.stderr.write(`Bare listens on http://127.0.0.1:${address.port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
