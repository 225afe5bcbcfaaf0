// One operation of an import on its way to the service, and what could not become one.

/** Where in the input something stands. */
export type Origin =
  | { readonly line: number }
  | { readonly conversation: string }
  | { readonly conversation: string; readonly message: string }
  | { readonly conversation: string; readonly turn: number; readonly index: number };

/** An operation as it will be sent: one line of the request, which is the same in every attempt. */
export interface Item {
  readonly text: string;
  /** Its number in the input, from 0. */
  readonly ordinal: number;
  readonly origin: Origin;
  /** What stood in the input, as JSON. */
  readonly original: () => string;
}

/** Something in the input that is no operation; it has a number as well. */
export interface Misfit {
  readonly ordinal: number;
  readonly origin: Origin;
  readonly reason: string;
  readonly original: () => string;
}

/** Things of the input in their order: operations of one group never overtake one another. */
export interface Group {
  readonly items: readonly Item[];
  readonly misfits: readonly Misfit[];
  /** The number of whatever comes after the group. */
  readonly end: number;
}
