// The bare route behind the HTTP server that the service uses, on whatever runtime runs this. PORT says where; 0 unless set.
import { createAdaptorServer } from "@hono/node-server";
import { bare } from "./bare-route.ts";

const server = createAdaptorServer({ fetch: bare.fetch });
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null)
    process.stderr.write(`Bare listens on http://127.0.0.1:${address.port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
