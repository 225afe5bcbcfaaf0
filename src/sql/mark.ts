// Whose database it is and which schema it holds: what keeps a release from writing over something that it does not know.
import type { SchemaMark, Sql } from "./sql.ts";

type Engine = Pick<Sql, "get" | "script">;

/** The mark of a file, which belongs to one application: PRAGMA application_id and user_version. */
export function fileMark({ get, script }: Engine): SchemaMark {
  return {
    read(applicationId) {
      // One statement, one state of the file: another process may be making it ours right now.
      const { id, version, tables } = get<{ id: number; version: number; tables: number }>(
        "SELECT (SELECT application_id FROM pragma_application_id) AS id, (SELECT user_version FROM pragma_user_version) AS version, (SELECT count(*) FROM sqlite_schema) AS tables",
      )!;
      if (id === applicationId) return version;
      return id === 0 && version === 0 && tables === 0 ? 0 : undefined;
    },
    write: (applicationId, version) =>
      script(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version};`),
  };
}

/**
 * The marks of a database that several parts of ours share and that nobody else can write to, such as the storage of a
 * Durable Object, which knows no such PRAGMAs: a row for each in a table.
 */
export function tableMark({ get, script }: Engine): SchemaMark {
  const table =
    "CREATE TABLE IF NOT EXISTS schema_mark (application INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT";
  return {
    read(applicationId) {
      script(table);
      return (
        get<{ version: number }>("SELECT version FROM schema_mark WHERE application = ?", applicationId)?.version ?? 0
      );
    },
    write: (applicationId, version) =>
      script(`INSERT INTO schema_mark VALUES (${applicationId}, ${version})
        ON CONFLICT (application) DO UPDATE SET version = excluded.version;`),
  };
}
