// The peer of a memory query: a bare hono route with the same full-text query over the same file, joined with the
// entities it finds, whose rows it returns as they are. Usage: bare-query-server.ts FILE
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { openFileSql } from "../../src/sql/file.ts";

const sql = openFileSql(process.argv[2]!);
sql.tune();

const QUERY =
  "SELECT search.key, entity.state, entity.hidden FROM search_text " +
  "JOIN search ON search.id = search_text.rowid JOIN entity ON entity.key = search.key " +
  "WHERE search_text MATCH ? AND search.tenant = 'default' AND search.kind = 'Memory' AND search.user = ? " +
  "ORDER BY search_text.rank, search.key LIMIT ?";

const app = new Hono();
app.get("/v1/memories", (c) => {
  const { text = "", user = "", limit = "20" } = c.req.query();
  const words = (text.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => `"${word}"`).join(" ");
  return c.json({ items: sql.all(QUERY, words, `default/User/${encodeURIComponent(user)}`, Number(limit)) });
});

const server = createAdaptorServer({ fetch: app.fetch });
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null)
    process.stderr.write(`Bare listens on http://127.0.0.1:${address.port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
