// A Worker of one's own that keeps conversations in Tidegate, which it calls by a service binding: no request leaves the
// platform, and there is no address to configure.
import { createClient, TidegateError } from "tidegate/client";

interface Bindings {
  /** The Worker `tidegate`; see wrangler.toml. */
  readonly TIDEGATE: { fetch(url: string, init: RequestInit): Promise<Response> };
  /** Where Tidegate has keys: `wrangler secret put TIDEGATE_API_KEY`. */
  readonly TIDEGATE_API_KEY?: string;
}

export default {
  async fetch(request: Request, { TIDEGATE, TIDEGATE_API_KEY }: Bindings): Promise<Response> {
    const client = createClient({
      url: "http://tidegate",
      apiKey: TIDEGATE_API_KEY,
      fetch: (url, init) => TIDEGATE.fetch(url, init),
    });
    const [, session] = /^\/sessions\/([\w-]+)$/.exec(new URL(request.url).pathname) ?? [];
    if (session === undefined) return new Response("Try /sessions/{id}\n", { status: 404 });
    try {
      if (request.method !== "POST") {
        const lines: string[] = [];
        for await (const { user, content } of client.messages(session)) lines.push(`${user}: ${content}\n`);
        return new Response(lines.join(""));
      }
      const { user, content } = (await request.json()) as { user: string; content: string };
      await client.submit("session", "create", { id: session }, { key: `session/${session}` });
      // A phone that sends again after a lost answer sends the same key, and nothing is said twice.
      const key = request.headers.get("idempotency-key") ?? undefined;
      const answer = await client.submit("chat-messages", "create", { session, user, content }, { key, waitMs: 5_000 });
      return Response.json({ id: answer.entity.id, outcome: answer.outcome, path: answer.path });
    } catch (error) {
      if (!(error instanceof TidegateError)) throw error;
      return Response.json({ code: error.code, errors: error.errors }, { status: error.status ?? 503 });
    }
  },
};
