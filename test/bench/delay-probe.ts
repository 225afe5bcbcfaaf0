// Preloaded into a measured process: on SIGUSR2 it begins to watch the event loop's delay anew, on SIGTERM it prints it.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on("SIGUSR2", () => {
    const milliseconds = (nanoseconds: number): number => Math.round(nanoseconds / 10_000) / 100;
    const seen = {
      p50: milliseconds(delay.percentile(50)),
      p99: milliseconds(delay.percentile(99)),
      max: milliseconds(delay.max),
    };
    process.stderr.write(`event-loop-delay ${JSON.stringify(seen)}\n`);
    delay.reset();
  });
}
