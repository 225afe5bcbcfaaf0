// Signals: the first asks for a graceful stop, the second forces one.

/** npm, systemd and terminals may deliver one request to a wrapper and to its child: repeats this soon are the same one. */
const SAME_REQUEST_MS = 500;
const FORCED_EXIT_CODE = 130;

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
    process.on("SIGINT", ask);
    process.on("SIGTERM", ask);
  });
}
