// Files of the API page, from the package itself or from the one they come from: nothing is loaded from anywhere else.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Service } from "../http/service.ts";

/** What may be read, and as what it is served. */
const FILES: ReadonlyMap<string, string> = new Map([
  ["swagger-ui.css", "text/css; charset=utf-8"],
  ["swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
]);

/** Names of the files, which a packed Tidegate brings along. */
export const ASSETS: readonly string[] = [...FILES.keys()];

const PACKED = new URL("../../assets/swagger-ui-dist/", import.meta.url);

/** Reads assets by name; a name that is not on the list is none, whatever file there is. */
export function nodeAssets(): NonNullable<Service["asset"]> {
  const isPacked = existsSync(PACKED);
  return async (name) => {
    const type = FILES.get(name);
    if (type === undefined) return undefined;
    const place = isPacked ? new URL(name, PACKED) : new URL(import.meta.resolve(`swagger-ui-dist/${name}`));
    return { body: await readFile(place), type };
  };
}
