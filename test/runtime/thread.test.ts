// The end of a thread: it finishes what it is at, but not for longer than anybody waits.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { startThread } from "../../src/runtime/thread.ts";
import { tempFolder } from "../support/temp-folder.ts";

const FOREVER_MS = 120_000;

/** A thread that says what it hears and answers as told. */
async function started(onStop: string) {
  const folder = tempFolder();
  const file = folder.path("thread.mjs");
  const told = Promise.withResolvers<string>();
  writeFileSync(
    file,
    `import { parentPort } from "node:worker_threads";
    setInterval(() => {}, ${FOREVER_MS});
    parentPort.on("message", () => { ${onStop} });
    parentPort.postMessage("ready");`,
  );
  const thread = startThread<string>(pathToFileURL(file), {}, {}, told.resolve);
  expect(await told.promise).toBe("ready");
  return { thread, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

it("one that has finished is not waited for any longer", async () => {
  using running = await started('parentPort.postMessage("stopped")');
  await running.thread.stop(FOREVER_MS);
});

it("one that never finishes is ended at the deadline", async () => {
  using running = await started("");
  const beganMs = performance.now();
  await running.thread.stop(300);
  expect(performance.now() - beganMs).toBeGreaterThan(250);
});
