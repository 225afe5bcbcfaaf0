// Indexes as statements that can be repeated, and which of them the kinds of a service need.
import type { Shape } from "./shape.ts";

/** An index by its name, and the statement that makes it where it is not there. */
export interface Index {
  readonly name: string;
  readonly statement: string;
}

/** An index of properties, most significant first. */
export function rangeIndex(name: string, label: string, ...properties: string[]): Index {
  const full = `tidegate_${name}`;
  const columns = properties.map((each) => `n.${each}`).join(", ");
  return { name: full, statement: `CREATE INDEX ${full} IF NOT EXISTS FOR (n:${label}) ON (${columns})` };
}

/** What finds whoever refers to an entity by a field, in the order of lists. */
export function referenceIndex(field: string): Index {
  return rangeIndex(`refers_${field}`, "Entity", `_${field}`, "_sort");
}

/** What finds a searchable kind by time: for everybody, and for whom a query names as `user`, by that reference's field. */
export function timeIndexes(kind: string, user = "user"): Index[] {
  const name = kind.toLowerCase();
  return [
    rangeIndex(`${name}_time`, kind, "tenant", "_time", "key"),
    rangeIndex(`${name}_${user}_time`, kind, `_${user}`, "_time", "key"),
  ];
}

/** The name of what finds a kind by its words. */
export function textIndexName(kind: string): string {
  return `tidegate_${kind.toLowerCase()}_text`;
}

/** What finds a kind by its words. The text is split into them before it is stored, as every database of ours does it. */
export function textIndex(kind: string): Index {
  const name = textIndexName(kind);
  const statement =
    `CREATE FULLTEXT INDEX ${name} IF NOT EXISTS FOR (n:${kind}) ON EACH [n._text] ` +
    "OPTIONS { indexConfig: { `fulltext.analyzer`: 'whitespace' } }";
  return { name, statement };
}

/** Every index that the references of these kinds need: some fields are found by their relationships, see shape.ts. */
export function referenceIndexes({ fields, relationsBy }: Shape): Index[] {
  return fields.filter((field) => relationsBy(field) === undefined).map(referenceIndex);
}

/**
 * Every index that the searches of these kinds need. Throws for kinds whose indexes would have one name: the second would
 * count as there already.
 */
export function searchIndexes({ kinds, searchOf }: Shape): Index[] {
  const kindOf = new Map<string, string>();
  return kinds.flatMap((kind) => {
    const search = searchOf(kind);
    if (search === undefined) return [];
    const own = [...timeIndexes(kind, search.user), ...(search.text.length === 0 ? [] : [textIndex(kind)])];
    for (const { name } of own) {
      const other = kindOf.get(name);
      if (other !== undefined) throw new Error(`Cannot use kinds ${other} and ${kind}: both need the index ${name}`);
      kindOf.set(name, kind);
    }
    return own;
  });
}
