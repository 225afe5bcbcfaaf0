// A service of its own that knows nothing but a log: it reads each partition to its end before the next one has anything.
import type { Core } from "./core.ts";
import { rest } from "./travel.ts";
import { createWorld, type World } from "./world.ts";

/** Partitions with what they hold, in the order in which they are to be read. */
export type LogContents = ReturnType<World["broker"]["contents"]>;

/** The service at rest, behind the whole log. The caller closes it. */
export async function rebuiltFrom(core: Core, contents: LogContents, decidesTwice: boolean): Promise<World> {
  const world = createWorld(core, { rebuilding: true });
  world.faults.decidesTwice = decidesTwice;
  let recordsMax = 1;
  for (const { topic, partition, records } of contents) {
    for (const { value } of records) world.broker.append(topic, partition, value);
    recordsMax = (recordsMax % 7) + 1;
    for (let more = records.length > 0; more; ) {
      ({ more } = await world.tick({ recordsMax, bytesMax: 1_000_000, waitMs: 0 }));
    }
  }
  await rest(world);
  return world;
}
