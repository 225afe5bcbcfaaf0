// Lists of the service, page by page.

/** One page of a list; `next` continues it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** What a list is asked for; undefined asks for nothing. */
export type Query = { readonly [name: string]: string | readonly string[] | undefined };

const PAGES_MAX = 100_000;

/** Pages of a list, from a cursor on. Throws what `get` throws, and an Error when the list never ends. */
export async function* pagesOf<Item>(
  get: (path: string) => Promise<Page<Item>>,
  path: string,
  query: Query,
): AsyncGenerator<Page<Item>> {
  let { cursor } = query;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await get(path + searchOf({ ...query, cursor }));
    if (!Array.isArray(page.items)) throw new Error(`The answer of ${path} has no items; is it Tidegate's address?`);
    yield page;
    if (page.next === null || page.next === undefined) return;
    if (page.next === cursor) break;
    cursor = page.next;
  }
  throw new Error(`The list ${path} does not end`);
}

/** A list: its items one after the other, or its pages with their cursors. Pages are fetched as they are needed. */
export interface Listed<Item> extends AsyncIterable<Item> {
  pages(): AsyncGenerator<Page<Item>>;
}

/** A list over its pages. */
export function listed<Item>(pages: () => AsyncGenerator<Page<Item>>): Listed<Item> {
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { items } of pages()) yield* items;
    },
  };
}

/** A query as it stands behind a path; nothing where nothing is asked for. */
export function searchOf(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of typeof value === "string" ? [value] : value) search.append(name, one);
  }
  return search.size === 0 ? "" : `?${search}`;
}
