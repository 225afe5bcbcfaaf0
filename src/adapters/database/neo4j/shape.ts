// What the model of the flows means in Neo4j: the labels, the relations, the fields that refer.
import type { GraphModel, Search } from "../../../domain/model.ts";

/** A relation type as the sources of its references see it. */
export interface Relation {
  readonly type: string;
  /** `in`: the target points at the source. */
  readonly direction: "in" | "out";
}

/**
 * Fields that name implicit kinds alone. Those are never swept, so that only live references to them are ever looked for,
 * and these are relationships: an index of every message by its user would cost a tick a tenth of its speed.
 */
const BY_RELATIONSHIP: ReadonlySet<string> = new Set(["user"]);

export interface Shape {
  /** Names of kinds, which are labels of visible nodes. */
  readonly kinds: readonly string[];
  /** Kinds that nothing creates: visible as long as a live edge touches them. */
  readonly implicit: ReadonlySet<string>;
  /** Reference fields of all kinds, sorted. */
  readonly fields: readonly string[];
  readonly relations: readonly Relation[];
  /** The relation of a kind's reference field; undefined for a field that refers to nobody. */
  relationOf(kind: string, field: string): Relation | undefined;
  fieldsOf(kind: string): readonly string[];
  /** The relations that make a field's references findable; undefined for a field that is found by its index. */
  relationsBy(field: string): readonly Relation[] | undefined;
  searchOf(kind: string): Search | undefined;
}

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Reads the model once; its names become part of statements, so they have to be plain. */
export function shapeOf(model: GraphModel): Shape {
  const relations = new Map<string, Relation>();
  const fields = new Set<string>();
  const byKind = new Map<string, ReadonlyMap<string, Relation>>();
  for (const { name, references } of model.values()) {
    const own = new Map<string, Relation>();
    for (const { field, relation: type, direction } of references) {
      const relation = relations.get(type) ?? { type, direction };
      if (relation.direction !== direction) throw new Error(`Cannot use relation ${type}: it points both ways`);
      if ([...own.values()].includes(relation)) throw new Error(`Cannot use kind ${name}: two fields make ${type}`);
      relations.set(type, relation);
      fields.add(field);
      own.set(field, relation);
    }
    byKind.set(name, own);
  }
  const users = [...model.values()].flatMap(({ search }) => search?.user ?? []);
  for (const name of [...model.keys(), ...relations.keys(), ...fields, ...users]) {
    if (!NAME.test(name)) throw new Error(`Cannot use the name ${JSON.stringify(name)} in Neo4j`);
  }
  return {
    kinds: [...model.keys()],
    implicit: new Set([...model.values()].filter(({ implicit }) => implicit).map(({ name }) => name)),
    fields: [...fields].sort(),
    relations: [...relations.values()],
    relationOf: (kind, field) => byKind.get(kind)?.get(field),
    fieldsOf: (kind) => [...(byKind.get(kind)?.keys() ?? [])],
    relationsBy(field) {
      if (!BY_RELATIONSHIP.has(field)) return undefined;
      return [...new Set([...byKind.values()].flatMap((own) => own.get(field) ?? []))];
    },
    searchOf: (kind) => model.get(kind)?.search,
  };
}

/** The pattern of one relation from the node `source` to the node `target`, with what stands in its brackets. */
export function arrow({ direction }: Relation, source: string, inner: string, target: string): string {
  return direction === "in" ? `(${source})<-[${inner}]-(${target})` : `(${source})-[${inner}]->(${target})`;
}

/** Whether a live edge points to `node`: it is then the target of some reference. */
export function touched({ relations }: Shape, node: string): string {
  const types = (direction: Relation["direction"]): string =>
    relations
      .filter((relation) => relation.direction === direction)
      .map(({ type }) => type)
      .join("|");
  const sides = [
    ...(types("in") === "" ? [] : [`EXISTS { (${node})-[:${types("in")}]->() }`]),
    ...(types("out") === "" ? [] : [`EXISTS { (${node})<-[:${types("out")}]-() }`]),
  ];
  return sides.length === 0 ? "false" : `(${sides.join(" OR ")})`;
}
