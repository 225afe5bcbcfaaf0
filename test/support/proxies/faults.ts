// What a proxy of the tests can be made to do wrong. Everything is off until a test switches it on.

export interface ProxyFaults {
  /** Every answer comes so much later. */
  slowMs: number;
  /** Produced records are written and reported as expired (kafka-over-http case 7). */
  expiresButWrites: boolean;
  /** Of each produce request only so many records are written; the others are reported as failed. */
  writesOnly: number | undefined;
  /** So many reads of an instance give nothing at first, as while a group is joined. */
  emptyReads: number;
  /** The next so many requests to an instance meet a proxy that has lost it. */
  losesInstances: number;
  /** The next so many instances cannot be made, because the name is taken. */
  namesTaken: number;
  /** Answers of a read hold every record twice (kafka-rest#355). */
  repeats: boolean;
}

export function noFaults(): ProxyFaults {
  return {
    slowMs: 0,
    expiresButWrites: false,
    writesOnly: undefined,
    emptyReads: 0,
    losesInstances: 0,
    namesTaken: 0,
    repeats: false,
  };
}
