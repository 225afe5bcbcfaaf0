// A router that looks for a path once. Hono's fast router takes no routes like `/v1/operations/:id` beside
// `/v1/operations/statuses`, and its general one walks the path of every request anew.
import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/** Remembers what it found for paths and methods that were added as they are, so no more than there are of both. */
export function rememberingRouter<Handler>(): Router<Handler> {
  const router = new TrieRouter<Handler>();
  const methods = new Set<string>();
  const fixed = new Map<string, Map<string, Result<Handler>>>();
  return {
    name: "RememberingRouter",
    add(method, path, handler) {
      router.add(method, path, handler);
      methods.add(method);
      fixed.set(path, new Map());
      for (const found of fixed.values()) found.clear();
    },
    match(method, path) {
      const byMethod = methods.has(method) ? fixed.get(path) : undefined;
      const known = byMethod?.get(method);
      if (known !== undefined) return known;
      const found = router.match(method, path);
      byMethod?.set(method, found);
      return found;
    },
  };
}
