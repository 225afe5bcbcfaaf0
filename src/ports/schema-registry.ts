// A schema registry: what the values of topics look like, for consumers that are not ours. The contract is in these
// comments; test/contract/schema-registry.ts holds adapters to it.

/** How a schema stands to what the registry holds under its subject. */
export type Standing =
  /** This very schema is there. */
  | { readonly status: "registered"; readonly id: number; readonly version: number }
  /** The subject has no schema yet. */
  | { readonly status: "new" }
  /** Another one is there, and the subject's compatibility level allows this one after it. */
  | { readonly status: "compatible" }
  /** The level does not allow it; reasons are the registry's own, at most 20. */
  | { readonly status: "incompatible"; readonly reasons: readonly string[] }
  /** The registry does not take it for a schema, or not from us. */
  | { readonly status: "refused"; readonly reasons: readonly string[] };

/**
 * A schema registry. Schemas are JSON Schema texts; what counts as the same schema is the registry's business. Every
 * call is bounded in time by the adapter. Throws AppError `registry_unavailable` when it does not answer, or with what
 * is no registry's answer.
 */
export interface SchemaRegistry {
  /** Address, for messages; without user and password. */
  readonly name: string;
  /** Changes nothing. */
  standing(subject: string, schema: string): Promise<Standing>;
  /**
   * Registers a schema that is new or compatible, and answers how it stands then: never `new` or `compatible`. One that is
   * there already keeps its id.
   */
  register(subject: string, schema: string): Promise<Standing>;
}
