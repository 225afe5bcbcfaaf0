// Threads beside the server. They end when they are told to, having finished what they were at.
import { setTimeout as delay } from "node:timers/promises";
import { type MessagePort, type ResourceLimits, Worker } from "node:worker_threads";

const STOP = "stop";
const STOPPED = "stopped";

/** A thread that runs. */
export interface Thread {
  /**
   * Lets it finish within this time and ends it. What is cut off is what a process that dies cuts off: a transaction is done
   * or not, and a call is made again once its lease is over.
   */
  stop(deadlineMs: number): Promise<void>;
}

/** Starts a thread. Should it ever die, the process ends: half a service must not look like a whole one. */
export function startThread<Message>(
  file: URL,
  data: unknown,
  resourceLimits: ResourceLimits,
  onMessage: (message: Message) => void,
): Thread {
  const worker = new Worker(file, { workerData: data, resourceLimits });
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  worker.on("error", (error) => {
    console.error(`The thread of ${file.pathname} failed: ${error.message}`);
    process.exit(1);
  });
  worker.once("exit", () => {
    if (!stopping) process.exit(1);
    resolve();
  });
  worker.on("message", (message: Message | typeof STOPPED) => {
    if (message === STOPPED) resolve();
    else onMessage(message);
  });
  return {
    async stop(deadlineMs) {
      stopping = true;
      worker.postMessage(STOP);
      await Promise.race([stopped, delay(deadlineMs, undefined, { ref: false })]);
      await worker.terminate();
    },
  };
}

/** Within a thread: does this once it is told to stop, and tells when it is done. */
export function onStop(port: MessagePort, finish: () => void | Promise<void>): void {
  port.once("message", async () => {
    await finish();
    port.postMessage(STOPPED);
  });
}
