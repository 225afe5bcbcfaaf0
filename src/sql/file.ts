// Opens SQLite files with the engine that the runtime brings along, and reads the schemas' files.
import { readdirSync, readFileSync } from "node:fs";
import type { Migration, Sql } from "./sql.ts";
import type { SqlOptions } from "./tuning.ts";

/** Opens a file, or `:memory:`. Throws SchemaError for a file that is no SQLite database. */
export const openFileSql: (path: string, options?: SqlOptions) => Sql =
  "Bun" in globalThis ? (await import("./bun.ts")).openBunSql : (await import("./node.ts")).openNodeSql;

/** Reads the numbered `.sql` files of a folder, in order. */
export function readMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name, index) => {
      if (Number.parseInt(name, 10) !== index + 1)
        throw new Error(`Cannot use migration ${name}: expected number ${index + 1}`);
      return { version: index + 1, sql: readFileSync(new URL(name, folder), "utf8") };
    });
}
