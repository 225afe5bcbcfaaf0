// A service with nine flows: the product's and one of its own. `npx node examples/ninth-flow/main.ts`
import { serve } from "@hono/node-server";
import { createTidegate, flows } from "tidegate";
import { notes } from "./notes.ts";

/** Clients of this service are `createClient<typeof nineFlows>`. */
export const nineFlows = [...flows, notes] as const;

const tidegate = await createTidegate({ flows: nineFlows, env: process.env });
tidegate.consume();

const server = serve(
  { fetch: tidegate.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 8787) },
  ({ port }) => console.error(`Nine flows listen on http://127.0.0.1:${port}`),
);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => server.close(() => void tidegate.close()));
}
