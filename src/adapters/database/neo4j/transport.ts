// How statements reach Neo4j. Two of these exist: bolt, which can hold a transaction open, and the HTTP Query API, which
// must not (core-proof b2). What is above them knows nothing of either.

/** What a statement takes and gives: JSON, with whole numbers kept whole. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };

export type Params = { readonly [name: string]: Value };

/** A row's values in the order of the statement's RETURN. */
export type Row = readonly Value[];

/** A transaction that holds its locks between statements. Every method throws GraphFailure. */
export interface OpenTransaction {
  run(text: string, params: Params): Promise<readonly Row[]>;
  /** Runs statements one after the other in one round trip: the server works on one while the next is on its way. */
  runAll(statements: readonly { readonly text: string; readonly params: Params }[]): Promise<void>;
  commit(): Promise<void>;
  /** Never throws. */
  rollback(): Promise<void>;
}

export interface Transport {
  /** Runs one statement in a transaction of its own. Throws GraphFailure. */
  run(text: string, params: Params): Promise<readonly Row[]>;
  /** Opens a transaction; undefined where the connection cannot be trusted to end it. */
  readonly begin: (() => OpenTransaction) | undefined;
  close(): Promise<void>;
}
