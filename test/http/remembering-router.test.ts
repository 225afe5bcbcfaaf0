// The router that remembers answers as the one it asks, whatever was asked before.
import { TrieRouter } from "hono/router/trie-router";
import { expect, test } from "vitest";
import { rememberingRouter } from "../../src/http/remembering-router.ts";

const ROUTES = [
  ["ALL", "/*"],
  ["GET", "/v1/operations/:id"],
  ["POST", "/v1/operations/statuses"],
  ["GET", "/v1/operations"],
  ["POST", "/v1/operations"],
  ["GET", "/v1/:kind/latest"],
] as const;
const METHODS = ["GET", "POST", "DELETE"];
const PATHS = ["/", "/v1/operations", "/v1/operations/statuses", "/v1/operations/latest", "/v1/operations/:id", "/x"];

test("it finds what the general router finds, the first time and again", () => {
  const general = new TrieRouter<string>();
  const remembering = rememberingRouter<string>();
  for (const [method, path] of ROUTES) {
    for (const router of [general, remembering]) router.add(method, path, `${method} ${path}`);
    for (let time = 0; time < 2; time++) {
      for (const asked of METHODS) {
        for (const at of PATHS) expect(remembering.match(asked, at)).toEqual(general.match(asked, at));
      }
    }
  }
});
