// Parts inside Durable Objects, for suites that run in workerd: storage belongs to its object, so that whoever uses it has
// to be called there.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { DurableObjectStorage } from "@cloudflare/workers-types";

/** For the shape of what opens its storage later. */
export const NO_STORAGE = undefined as unknown as DurableObjectStorage;

/**
 * Something over the storage of a new object: made there at its first use, and every method is called there. `shape` has
 * the same members.
 */
export function inObject<Part extends object>(
  shape: Part,
  make: (storage: DurableObjectStorage) => Part | Promise<Part>,
): Part {
  const stub = env.CONTRACT.get(env.CONTRACT.newUniqueId());
  let made: Promise<Part> | undefined;
  const call = (name: string, args: readonly never[]): Promise<unknown> =>
    runInDurableObject(stub, async (_, { storage }) => {
      made ??= Promise.resolve(make(storage));
      const part = (await made) as { [name: string]: (...args: readonly never[]) => unknown };
      return part[name]!(...args);
    });
  const members = Object.entries(shape).map(([name, member]) => [
    name,
    typeof member === "function" ? (...args: never[]) => call(name, args) : member,
  ]);
  return Object.fromEntries(members) as Part;
}
