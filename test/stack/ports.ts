// Free ports below the range that outgoing connections take theirs from: a part that is stopped for a while finds its own
// port free when it starts again.
import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS_MAX = 200;

/** Answers as many different free ports of loopback as asked for. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    for (let attempt = 0; ports.length < count; attempt++) {
      if (attempt === ATTEMPTS_MAX) throw new Error(`No free port between ${LOWEST} and ${HIGHEST} on 127.0.0.1`);
      const port = randomInt(LOWEST, HIGHEST);
      const server = await listen(port);
      if (server === undefined) continue;
      held.push(server);
      ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
