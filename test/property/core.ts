// The program under test, loaded from a source directory that is known only at run time: the repository's own, or a
// copy in which one rule was broken on purpose.
import { hash } from "node:crypto";
import type { Migration, Sql } from "../../src/sql/sql.ts";
import { type OpenStore, sqliteStore } from "./store.ts";

/** The modules that properties drive, by the names they have in `src/`. */
export interface Core {
  readonly accept: typeof import("../../src/app/accept.ts");
  readonly accounting: typeof import("../../src/domain/accounting.ts");
  readonly dump: typeof import("../../src/app/dump.ts");
  readonly engine: typeof import("../../src/app/engine.ts");
  readonly errors: typeof import("../../src/domain/errors.ts");
  readonly flows: typeof import("../../src/flows/index.ts");
  readonly intake: typeof import("../../src/app/intake.ts");
  readonly key: typeof import("../../src/domain/key.ts");
  readonly log: typeof import("../../src/app/log.ts");
  readonly operation: typeof import("../../src/domain/operation.ts");
  readonly operationId: typeof import("../../src/domain/operation-id.ts");
  readonly parked: typeof import("../../src/app/parked.ts");
  readonly prepare: typeof import("../../src/app/prepare.ts");
  readonly projection: typeof import("../../src/domain/projection.ts");
  readonly queries: typeof import("../../src/app/queries.ts");
  readonly reads: typeof import("../../src/app/reads.ts");
  readonly receive: typeof import("../../src/app/receive.ts");
  readonly sql: typeof import("../../src/sql/file.ts");
  readonly sqlite: typeof import("../../src/adapters/database/sqlite.ts");
  readonly stamp: typeof import("../../src/domain/stamp.ts");
  readonly state: typeof import("../../src/domain/state.ts");
  readonly sweep: typeof import("../../src/app/sweep.ts");
  readonly tick: typeof import("../../src/app/tick.ts");
  readonly visible: typeof import("../../src/app/visible.ts");
  readonly vitals: typeof import("../../src/app/vitals.ts");
  readonly migrations: readonly Migration[];
  /** Databases in memory that a run has done with, to be emptied and used again: opening one costs half a journey. */
  readonly idle: Sql[];
  /** What worlds keep their graph in. */
  readonly openStore: OpenStore;
}

type Modules = Omit<Core, "migrations" | "idle" | "openStore">;

const PATHS: { readonly [Name in keyof Modules]: string } = {
  accept: "app/accept.ts",
  accounting: "domain/accounting.ts",
  dump: "app/dump.ts",
  engine: "app/engine.ts",
  errors: "domain/errors.ts",
  flows: "flows/index.ts",
  intake: "app/intake.ts",
  key: "domain/key.ts",
  log: "app/log.ts",
  operation: "domain/operation.ts",
  operationId: "domain/operation-id.ts",
  parked: "app/parked.ts",
  prepare: "app/prepare.ts",
  projection: "domain/projection.ts",
  queries: "app/queries.ts",
  reads: "app/reads.ts",
  receive: "app/receive.ts",
  sql: "sql/file.ts",
  sqlite: "adapters/database/sqlite.ts",
  stamp: "domain/stamp.ts",
  state: "domain/state.ts",
  sweep: "app/sweep.ts",
  tick: "app/tick.ts",
  visible: "app/visible.ts",
  vitals: "app/vitals.ts",
};

/** The repository's own sources. */
export const OWN_SOURCES = new URL("../../src/", import.meta.url);

/** Loads every module from `src`, a URL that ends with a slash. */
export async function loadCore(src: URL, openStore = sqliteStore): Promise<Core> {
  const modules = await Promise.all(
    Object.entries(PATHS).map(async ([name, path]) => [name, await import(new URL(path, src).href)] as const),
  );
  const core = Object.fromEntries(modules) as unknown as Modules;
  return {
    ...core,
    migrations: core.sql.readMigrations(new URL("adapters/database/migrations/", src)),
    idle: [],
    openStore,
  };
}

/** Stands for a keyed hash; nobody attacks a test. */
export function macOf(text: string, digits: number): string {
  return hash("sha256", `secret of the tests/${text}`, "hex").slice(0, digits);
}

/** Entropy without chance; a service counts its own digits up. */
export const STILL_ENTROPY = {
  hash: (text: string) => hash("sha256", text, "base64url"),
  macs: [macOf] as const,
};
