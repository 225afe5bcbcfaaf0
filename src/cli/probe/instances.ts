// Consumer instances of an examination, whoever makes them: which are still there is seen in the requests themselves.

import { fieldsOf } from "../../adapters/broker/proxy-answer.ts";
import type { Fetch, Fetched } from "../../adapters/broker/proxy-call.ts";

const MAKING = /\/consumers\/([^/?]+)$/;
const DELETING = /\/consumers\/([^/?]+)\/instances\/([^/?]+)$/;

/** A fetch that is watched. */
export interface WatchedInstances {
  readonly fetch: Fetch;
  /** `group/name` of instances that were made, or may have been, and not deleted. */
  left(): string[];
  /** Resolves when every deletion has its answer, also one that nobody waits for. */
  deleted(): Promise<void>;
}

/** Watches the instances that are made and deleted through a fetch. */
export function watchInstances(fetch: Fetch): WatchedInstances {
  const there = new Set<string>();
  const deleting = new Set<Promise<unknown>>();
  const make = async (instance: string, send: () => Fetched | Promise<Fetched>): Promise<Fetched> => {
    there.add(instance);
    const answer = await send();
    if (answer.status >= 400 && answer.status < 500) there.delete(instance);
    return answer;
  };
  const remove = async (instance: string, send: () => Fetched | Promise<Fetched>): Promise<Fetched> => {
    const answer = await send();
    if (answer.status < 300 || answer.status === 404) there.delete(instance);
    return answer;
  };
  return {
    fetch(url, init) {
      const send = (): Fetched | Promise<Fetched> => fetch(url, init);
      const [, group, name] = (init.method === "DELETE" && DELETING.exec(url)) || [];
      if (name !== undefined) {
        const answer = remove(`${group}/${name}`, send);
        const ended = answer.then(noop, noop).finally(() => deleting.delete(ended));
        deleting.add(ended);
        return answer;
      }
      const made = init.method === "POST" ? MAKING.exec(url)?.[1] : undefined;
      const own = made === undefined ? undefined : nameIn(init.body);
      return own === undefined ? send() : make(`${made}/${own}`, send);
    },
    left: () => [...there],
    deleted: async () => void (await Promise.all(deleting)),
  };
}

const noop = (): void => undefined;

function nameIn(body: string | null): string | undefined {
  const { name } = fieldsOf(JSON.parse(body ?? "null"));
  return typeof name === "string" ? name : undefined;
}
