// The outside world on Node, Deno and Bun.
import { lookup } from "node:dns/promises";
import { setTimeout as delayOf } from "node:timers/promises";
import type { Write } from "../app/log.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../ports/clock.ts";
import { type Outside, outsideOf } from "./outside.ts";

/** Opens nothing before the first call. Throws ConfigError for webhooks that cannot be called. */
export function outsideNode(config: Config, clock: Clock, write: Write): Outside {
  return outsideOf(config, {
    fetch,
    clock,
    write,
    delay: (ms) => delayOf(ms, undefined, { ref: false }),
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  });
}
