// Signals: the first asks for a graceful stop, the second forces one.

/** Runs until SIGINT or SIGTERM; resolves with the exit code after `stop`. */
export function stopOnSignal(stop: () => Promise<void>): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (): void => {
      if (asked) process.exit(130);
      asked = true;
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
