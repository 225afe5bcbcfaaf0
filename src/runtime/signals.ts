// Signals: the first asks for a graceful stop, the second forces one.
import { constants } from "node:os";

/** npm, systemd and terminals may deliver one request to a wrapper and to its child: repeats this soon are the same one. */
const SAME_REQUEST_MS = 500;
const FORCED_EXIT_CODE = 130;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Ends the process at SIGINT or SIGTERM until the function that it answers is called: while it is starting, nothing is under way
 * that a stop could lose. The kernel would do the same, but not for the first process of a container, which gets only
 * signals that it listens to.
 */
export function endOnSignal(): () => void {
  const end = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal]);
  for (const signal of SIGNALS) process.on(signal, end);
  return () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
}

/** Runs until SIGINT or SIGTERM; resolves with the exit code after `stop`. */
export function stopOnSignal(stop: () => Promise<void>): Promise<number> {
  return new Promise((resolve) => {
    let askedMs: number | undefined;
    const ask = (): void => {
      if (askedMs !== undefined) {
        if (performance.now() - askedMs > SAME_REQUEST_MS) process.exit(FORCED_EXIT_CODE);
        return;
      }
      askedMs = performance.now();
      stop().then(
        () => resolve(0),
        (error) => {
          console.error(error instanceof Error ? error.message : String(error));
          resolve(1);
        },
      );
    };
    for (const signal of SIGNALS) process.on(signal, ask);
  });
}
