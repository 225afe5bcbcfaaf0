// What the flows say about the graph: which kinds there are, which fields refer to other entities, what orders a list.

/** A field that names another entity by its key, and the relation it is shown as. */
export interface Reference {
  readonly field: string;
  /** Type of the relation, for example `CONTAINS`. */
  readonly relation: string;
  /** `in`: the target points at this entity; `out`: this entity points at the target. */
  readonly direction: "in" | "out";
  /** What belongs to a deleted or hidden owner is hidden with it (core-proof #13). */
  readonly owner: boolean;
}

/** One kind of entity. */
export interface Kind {
  readonly name: string;
  /** Nothing creates it: it is visible as long as a live edge touches it (core-proof #10). */
  readonly implicit: boolean;
  readonly references: readonly Reference[];
  /** Fields that order this kind in lists, most significant first; the create's stamp decides last. */
  readonly order: readonly string[];
  /** Members of compound values that say how the service came to them: shown by reads as they are, left out of plain dumps. */
  readonly provenance?: readonly string[];
  /** How entities of this kind are found by queries; undefined: by their ids and owners alone. */
  readonly search?: Search;
}

/** Which fields a search looks at. */
export interface Search {
  /** Texts, for full-text search. */
  readonly text: readonly string[];
  /** The reference whose target a query names as `user`. */
  readonly user: string;
  /** A list of texts, each of which can be asked for. */
  readonly tags?: string;
  /** A time; the create's where it is missing. */
  readonly time?: string;
  /** A field that is set once the entity has ended: state `ended`, else `active`. */
  readonly ended?: string;
}

/** Every kind by its name. */
export type GraphModel = ReadonlyMap<string, Kind>;

/** The kind of that name; a key of an unknown kind is a defect of the caller. */
export function kindIn(model: GraphModel, name: string): Kind {
  const kind = model.get(name);
  if (kind === undefined) throw new Error(`Cannot use kind "${name}": the graph model does not name it`);
  return kind;
}

/** How a kind is called in an address. */
export function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}
