// A group that shares a transaction, and what is at fault within it: found by halving, so that it fails alone.
import { asAppError, isForHalves } from "../domain/errors.ts";

/** Applies a group, or its halves where one member is at fault or all are too much at a time. Settles every member; never rejects. */
export async function inHalves<Member extends { reject(error: unknown): void }>(
  group: readonly Member[],
  apply: (group: readonly Member[]) => Promise<void>,
): Promise<void> {
  try {
    await apply(group);
  } catch (error) {
    if (group.length === 1 || !isForHalves(asAppError(error))) {
      for (const member of group) member.reject(error);
      return;
    }
    const half = Math.ceil(group.length / 2);
    await inHalves(group.slice(0, half), apply);
    await inHalves(group.slice(half), apply);
  }
}
