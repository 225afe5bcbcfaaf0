// Signals of a command that has something to bring to an end before it ends.

/** Exit code of a command that was interrupted. */
export const INTERRUPTED_EXIT_CODE = 130;

/** Wrappers pass one Ctrl-C on several times. */
const SAME_SIGNAL_MS = 500;

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. Disposed of, it lets signals be. */
export function interruption(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  let firstMs = 0;
  const interrupt = (): void => {
    if (controller.signal.aborted && performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(INTERRUPTED_EXIT_CODE);
    if (controller.signal.aborted) return;
    firstMs = performance.now();
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
    },
  };
}
