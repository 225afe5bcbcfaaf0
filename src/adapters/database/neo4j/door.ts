// Keeps a process whose password is wrong from trying again and again: the server lets nobody in by a name with which a
// wrong password came too often, and others may have the right one.
import { GraphFailure } from "./failure.ts";

/** How long a refused user is not tried again. */
const TURNED_AWAY_MS = 60_000;

/** The last refusal and until when it counts. */
export interface TurnedAway {
  readonly failure: GraphFailure;
  readonly untilMs: number;
}

export type GuardDoor = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Fails work with the last refusal while that counts, and keeps a new one in `memory`. */
export function createDoor(memory: { turnedAway?: TurnedAway }): GuardDoor {
  return async (work) => {
    const { turnedAway } = memory;
    if (turnedAway !== undefined && performance.now() < turnedAway.untilMs) throw turnedAway.failure;
    try {
      return await work();
    } catch (error) {
      if (error instanceof GraphFailure && error.kind === "stranger") {
        memory.turnedAway = { failure: error, untilMs: performance.now() + TURNED_AWAY_MS };
      }
      throw error;
    }
  };
}
