// Checks of the embedded files: the folder, the secret of ids, the database and its clock. They only look: a file that
// is not there is not made, and one of an older release is not brought up to date.
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../../config.ts";
import { fileReason, messageOf } from "../failure.ts";
import { askDatabase, NOT_COMPARED } from "./database.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** The folder exists and can be written, or can be made. */
export function checkData({ DATA_DIR }: Config): Finding {
  const there = existsSync(DATA_DIR);
  const folder = there ? DATA_DIR : nearestFolder(resolve(DATA_DIR));
  try {
    if (!statSync(folder).isDirectory()) return fail("data", `${folder} is a file`, "choose another DATA_DIR");
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const advice = "give this user the right to write there, or choose another DATA_DIR";
    return fail("data", `${folder} cannot be written (${fileReason(error)})`, advice);
  }
  return ok("data", there ? `${DATA_DIR} can be written` : `${DATA_DIR} is not there yet; "tidegate start" makes it`);
}

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

const OTHERS_MAY_READ = 0o077;

/** The secret that makes operation ids. */
export async function checkSecret({ ID_SECRET, DATA_DIR }: Config): Promise<Finding> {
  if (ID_SECRET !== undefined) return ok("secret", "ID_SECRET is set");
  const { SECRET_CHARACTERS_MIN, SECRET_FILE } = await import("../../runtime/embedded.ts");
  const path = join(DATA_DIR, SECRET_FILE);
  if (!existsSync(path)) return ok("secret", `${path} is not there yet; "tidegate start" makes it`);
  let secret: string;
  try {
    secret = readFileSync(path, "utf8").trim();
  } catch (error) {
    return fail("secret", `${path} cannot be read (${fileReason(error)})`, "give this user the right to read it");
  }
  if (secret.length < SECRET_CHARACTERS_MIN) {
    const found = `${path} has fewer than ${SECRET_CHARACTERS_MIN} characters`;
    return fail("secret", found, "restore it from a backup: ids made with it are known by it");
  }
  if (process.platform !== "win32" && (statSync(path).mode & OTHERS_MAY_READ) !== 0) {
    return warn("secret", `${path} can be read by others`, `run "chmod 600 ${path}"`);
  }
  return ok("secret", `${path} is there; back it up with the databases`);
}

/** The database's file, and this clock against its own. */
export async function checkFile(config: Config): Promise<Finding[]> {
  const { GRAPH_FILE, openToLook } = await import("../../runtime/embedded.ts");
  const path = join(config.DATA_DIR, GRAPH_FILE);
  if (!existsSync(path)) {
    return [ok("database", `${path} is not there yet; "tidegate start" makes it`), NOT_COMPARED];
  }
  try {
    const age = await schemaAge(path, config);
    if (age !== undefined) return [age, NOT_COMPARED];
    return await askDatabase(path, openToLook(path));
  } catch (error) {
    const advice = "see that the file is whole, that this user may write it, and that the disk is not full";
    return [fail("database", messageOf(error), advice), NOT_COMPARED];
  }
}

/** A file of an older release is left as it is; undefined when it is of this one, or when opening it will tell. */
async function schemaAge(path: string, { SQLITE_SYNCHRONOUS }: Config): Promise<Finding | undefined> {
  const { openFileSql, readMigrations } = await import("../../sql/file.ts");
  const newest = readMigrations(new URL("../../adapters/database/migrations/", import.meta.url)).length;
  const sql = openFileSql(path, { synchronous: SQLITE_SYNCHRONOUS });
  try {
    const version = sql.get<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
    if (version === 0 && sql.get("SELECT 1 FROM sqlite_schema") === undefined) {
      return warn("database", `${path} is empty`, 'restore a backup, or let "tidegate start" begin anew in it');
    }
    if (version === 0 || version >= newest) return undefined;
    const found = `${path} has schema ${version} of ${newest}`;
    return warn("database", found, 'the next "tidegate start" brings it up to date: back it up before');
  } finally {
    sql.close();
  }
}
