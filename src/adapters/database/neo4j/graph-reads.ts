// What the service reads of the graph: entities, who refers to whom, dumps.

import { ABSENT, type Edge, type StoredEntity } from "../../../domain/projection.ts";
import type { Database, DumpEntity, MembersQuery, Page } from "../../../ports/database.ts";
import { LAST } from "../../../sql/sql.ts";
import { countShown } from "../bounds.ts";
import { readPlace } from "../place.ts";
import { ENTITY, SHOWN, SIZE, toEntity } from "./rows.ts";
import { arrow, type Shape, touched } from "./shape.ts";
import type { Params, Transport } from "./transport.ts";

type GraphReads = Pick<Database, "entities" | "referrers" | "members" | "edgesAt" | "dumpEntities" | "dumpEdges">;

export function graphReads(transport: Transport, shape: Shape): GraphReads {
  const { run } = transport;
  const toTarget = findSources(shape, false);
  const liveToTarget = findSources(shape, true);
  const refers = shape.fields.map((field) => `n._${field}`).join(", ");
  const isTouched = touched(shape, "n");

  return {
    async entities(keys) {
      const found = new Map<string, StoredEntity>(keys.map((key) => [key, ABSENT]));
      if (keys.length === 0) return found;
      const rows = await run(`UNWIND $keys AS k MATCH (n:Entity {key: k}) RETURN ${ENTITY}`, { keys });
      for (const row of rows) found.set(...toEntity(row));
      return found;
    },

    async referrers(target, cursor, limit) {
      const start = readPlace<readonly [string, string, string]>(cursor, ["", "", ""]);
      const rows = await run(toTarget, { limit, ...placesOf(shape, target, start) });
      return pageOf(rows as never, limit, ([field, sort, source]) => [field, sort, source]);
    },

    members: (query) => members(transport, shape, query),

    async edgesAt(key, limit) {
      const own = await run(`MATCH (n:Entity {key: $key}) RETURN n._sort, n._cut, ${refers}`, { key });
      const from = own.flatMap((row) => edgesFrom(shape, [key, ...row])).filter(({ live }) => live);
      const rest = limit - from.length;
      if (rest <= 0) return from.slice(0, limit);
      const rows = await run(liveToTarget, { limit: rest, ...placesOf(shape, key, ["", "", ""]) });
      const to = (rows as unknown as [string, string, string][]).map(
        ([field, sort, source]): Edge => ({ source, field, target: key, live: true, sort }),
      );
      return [...from, ...to];
    },

    async dumpEntities(after, limit) {
      const rows = await run(
        `MATCH (n:Entity) WHERE n.key > $after AND n._state IS NOT NULL WITH n ORDER BY n.key LIMIT toInteger($limit) WITH collect(n) AS ns, collect(${SIZE}) AS sizes UNWIND ns[..${SHOWN}] AS n RETURN ${ENTITY}, labels(n), ${isTouched}`,
        { after, limit },
      );
      return rows.map((row): DumpEntity => {
        const [key, entity] = toEntity(row);
        const [labels, isTouchedNow] = row.slice(3) as unknown as [string[], boolean];
        return { key, ...entity, visible: isVisible(shape, key, labels), touched: isTouchedNow };
      });
    },

    async dumpEdges({ source, field }, limit) {
      const rows = await run(
        `MATCH (n:Entity) WHERE n.key >= $source AND n._sort IS NOT NULL WITH n ORDER BY n.key LIMIT toInteger($limit) RETURN n.key, n._sort, n._cut, ${refers}`,
        // One source more than edges: those of the first may all have been given already.
        { source, limit: limit + 1 },
      );
      return rows
        .flatMap((row) => edgesFrom(shape, row))
        .filter((edge) => edge.source > source || edge.field > field)
        .slice(0, limit);
    },
  };
}

function isVisible(shape: Shape, key: string, labels: readonly string[]): boolean {
  const kind = key.split("/")[1] ?? "";
  return labels.includes(kind) || shape.implicit.has(kind);
}

/** All reference fields of a row of key, sort, the fields that are not live, and the fields in their order. */
function edgesFrom({ fields }: Shape, row: readonly unknown[]): Edge[] {
  const [source, sort, cut, ...targets] = row as [string, string | null, string[] | null, ...(string | null)[]];
  return fields.flatMap((field, i) => {
    const target = targets[i] ?? null;
    if (target === null) return [];
    return [{ source, field, target, live: cut?.includes(field) !== true, sort: sort ?? "" }];
  });
}

/** Sources of references, asked for field by field, each from its own place on. */
function findSources(shape: Shape, live: boolean): string {
  const each = shape.fields.map(
    (field) =>
      `${sourcesBy(shape, field, `$to_${field}`)}${live ? ` AND ${isLive(field)}` : ""} AND n._sort >= $sort_${field} AND (n._sort > $sort_${field} OR n.key > $key_${field}) ` +
      `RETURN '${field}' AS field, n._sort AS sort, n.key AS source ORDER BY sort, source LIMIT toInteger($limit)`,
  );
  return `CALL () { ${each.join(" UNION ALL ")} } RETURN field, sort, source ORDER BY field, sort, source LIMIT toInteger($limit)`;
}

/** Who refers to a target by a field: by its index, or by the relationships that live references are. */
function sourcesBy(shape: Shape, field: string, target: string): string {
  const relations = shape.relationsBy(field);
  if (relations === undefined) return `MATCH (n:Entity) WHERE n._${field} = ${target}`;
  const types = relations.map(({ type }) => type).join("|");
  return `MATCH ${arrow(relations[0]!, "n", `:${types}`, "t:Entity")} WHERE t.key = ${target} AND n._${field} = ${target}`;
}

const isLive = (field: string): string => `NOT '${field}' IN coalesce(n._cut, [])`;

/** Where each field goes on: fields before the cursor's are done, those after it have not begun. */
function placesOf({ fields }: Shape, target: string, [field, sort, source]: readonly [string, string, string]): Params {
  const params: { [name: string]: string | null } = {};
  for (const name of fields) {
    const here = name === field;
    params[`to_${name}`] = name < field ? null : target;
    params[`sort_${name}`] = here ? sort : "";
    params[`key_${name}`] = here ? source : "";
  }
  return params;
}

async function members(
  { run }: Transport,
  shape: Shape,
  { target, kind, field, cursor, limit, newestFirst = false }: MembersQuery,
): Promise<Page> {
  const [sort, key] = readPlace(cursor, newestFirst ? [LAST, LAST] : ["", ""]);
  if (!shape.fields.includes(field)) return { sources: [], next: null };
  const [side, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"];
  const rows = await run(
    `${sourcesBy(shape, field, "$target")} AND n._sort ${side}= $sort AND (n._sort ${side} $sort OR n.key ${side} $key) ` +
      `AND ${isLive(field)} AND n.key STARTS WITH $prefix ` +
      `WITH n ORDER BY n._sort ${order}, n.key ${order} LIMIT toInteger($limit) RETURN n._sort, n.key, ${SIZE}`,
    { target, sort, key, limit, prefix: `${target.slice(0, target.indexOf("/"))}/${kind}/` },
  );
  const shown = countShown(rows.map(([, , size]) => size as number));
  return pageOf(
    (rows.slice(0, shown) as unknown as [string, string][]).map(([at, source]) => [field, at, source]),
    shown < rows.length ? shown : limit,
    ([, at, source]) => [at, source],
  );
}

function pageOf(
  rows: readonly (readonly [field: string, sort: string, source: string])[],
  limit: number,
  cursorOf: (last: readonly [string, string, string]) => string[],
): Page {
  const sources = rows.map(([, , source]) => source);
  return { sources, next: rows.length < limit ? null : JSON.stringify(cursorOf(rows.at(-1)!)) };
}
