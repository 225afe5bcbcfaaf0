// Whose database it is, and bringing it to the newest schema, with the indexes of kinds that no step knows.
import { behind, SchemaError } from "../../../sql/sql.ts";
import { GraphFailure } from "./failure.ts";
import { type Index, referenceIndexes, searchIndexes } from "./indexes.ts";
import { MARK, MIGRATIONS } from "./migrations.ts";
import type { Shape } from "./shape.ts";
import type { Transport } from "./transport.ts";

const LOOK = `OPTIONAL MATCH (mark:${MARK})
WITH max(mark.schema) AS schema
RETURN schema, EXISTS { MATCH () }`;

/** Index population of a database that was filled by an older release. */
const AWAIT_SECONDS = 300;
const AWAIT = `CALL db.awaitIndexes(${AWAIT_SECONDS})`;

const SHOW = "SHOW INDEXES YIELD name, state WHERE name IN $names RETURN name, state";

const MIGRATED: ReadonlySet<string> = new Set(MIGRATIONS.flat());

/** The version of the schema, 0 for an empty database. Throws SchemaError for one that is not ours or newer. */
export async function lookAtSchema(transport: Transport, name: string): Promise<number> {
  const [row] = await transport.run(LOOK, {});
  const [schema, holdsNodes] = row as [number | null, boolean];
  if (schema === null && holdsNodes) {
    throw new SchemaError(
      `Cannot use the database ${name}: it holds data of another application; choose another NEO4J_DATABASE`,
    );
  }
  if (schema !== null && schema > MIGRATIONS.length) {
    throw new SchemaError(
      `Cannot use the database ${name}: it has schema ${schema}, this release knows schemas up to ${MIGRATIONS.length}; run a newer release`,
    );
  }
  return schema ?? 0;
}

/** The indexes that these kinds need beyond those of the numbered steps; none for the product's flows. */
export function furtherIndexes(shape: Shape): Index[] {
  return [...referenceIndexes(shape), ...searchIndexes(shape)].filter(({ statement }) => !MIGRATED.has(statement));
}

/**
 * Brings the database to the newest schema and makes the further indexes. Where all is there, it takes one look, and one
 * more when there are further indexes; neither needs the right to change a schema. Throws SchemaError as
 * {@link lookAtSchema} does, and never a failure that would be the fault of an operation.
 */
export async function migrate(transport: Transport, name: string, further: readonly Index[]): Promise<void> {
  try {
    const held = await lookAtSchema(transport, name);
    if (held < MIGRATIONS.length) await takeSteps(transport, held);
    if (further.length > 0) await makeIndexes(transport, further);
  } catch (error) {
    if (!(error instanceof GraphFailure) || error.kind !== "statement") throw error;
    throw new GraphFailure("refused", `its schema cannot be made: ${error.message}`, error);
  }
}

/** In place of {@link migrate} for what only looks: throws SchemaError for any schema but the newest, and changes nothing. */
export async function assertNewest(transport: Transport, name: string): Promise<void> {
  const held = await lookAtSchema(transport, name);
  if (held < MIGRATIONS.length) throw new SchemaError(behind(name, held, MIGRATIONS.length));
}

async function takeSteps(transport: Transport, held: number): Promise<void> {
  for (const statement of MIGRATIONS.slice(held).flat()) await make(transport, statement);
  await transport.run(AWAIT, {});
  await transport.run(
    `MERGE (mark:${MARK} {key: 'schema'}) SET mark.schema = toInteger(CASE WHEN mark.schema > $to THEN mark.schema ELSE $to END)`,
    { to: MIGRATIONS.length },
  );
}

/** Looks first: to whoever may not change the schema, a server refuses even a statement that would change nothing. */
async function makeIndexes(transport: Transport, indexes: readonly Index[]): Promise<void> {
  const rows = await transport.run(SHOW, { names: indexes.map(({ name }) => name) });
  const states = new Map(rows as unknown as [name: string, state: string][]);
  const missing = indexes.filter(({ name }) => !states.has(name));
  for (const { statement } of missing) await make(transport, statement);
  // Another process may have made them a moment ago.
  const online = [...states.values()].filter((state) => state === "ONLINE");
  if (online.length < indexes.length) await transport.run(AWAIT, {});
}

/** To the server a look and what it makes are two steps: of two processes that start at once, one is told that it exists. */
async function make(transport: Transport, statement: string): Promise<void> {
  try {
    await transport.run(statement, {});
  } catch (error) {
    if (!(error instanceof GraphFailure) || error.kind !== "exists") throw error;
  }
}
