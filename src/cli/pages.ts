// Lists of the service as commands read them: through the client's pages.
import { type Page, pagesOf as pagesFrom, type Query } from "../client/pages.ts";

export type { Page, Query } from "../client/pages.ts";

/** Gets an answer in JSON. */
export type Get = <Body>(path: string) => Promise<Body>;

/** Pages of a list, of at most `limit` items each. Throws when the list never ends. */
export function pagesOf<Item>(get: Get, path: string, query: Query, limit: number): AsyncGenerator<Page<Item>> {
  return pagesFrom((address) => get<Page<Item>>(address), path, { ...query, limit: String(limit) });
}

const PAGE_MAX = 1_000;

/** The first `count` items of a list, and the cursor behind them. */
export async function firstOf<Item>(get: Get, path: string, query: Query, count: number): Promise<Page<Item>> {
  const items: Item[] = [];
  for await (const page of pagesOf<Item>(get, path, query, Math.min(count, PAGE_MAX))) {
    items.push(...page.items);
    if (items.length >= count || page.next === null) return { items: items.slice(0, count), next: page.next };
  }
  return { items, next: null };
}
