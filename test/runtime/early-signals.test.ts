// A signal that comes while a service is starting. The kernel gives the first process of a container none that it does not
// listen to, so the process has to end itself: 143 is its own end, and 128 here the kernel's.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { tempFolder } from "../support/temp-folder.ts";
import { startTidegate } from "../support/tidegate-process.ts";

it.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)(
  "%s ends a service that waits for its database",
  async (signal, code) => {
    using folder = tempFolder();
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const NEO4J_URL = `bolt://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const env = { PORT: "0", DATA_DIR: folder.path("data"), NEO4J_URL, NEO4J_PASSWORD: "x", NEO4J_TIMEOUT_MS: "60000" };
    const asked = once(silent, "connection", { signal: AbortSignal.timeout(20_000) });
    const service = startTidegate(["start"], env, folder.root, folder.path("output.txt"));
    try {
      await asked;
      expect(await service.stop(signal)).toBe(code);
    } finally {
      service.signal("SIGKILL");
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  },
  60_000,
);
