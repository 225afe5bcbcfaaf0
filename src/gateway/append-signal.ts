// Wakes readers that wait for an append: at once for appends of this process, by polling for those of others.
import type { AppendWait } from "./log.ts";

/** Readers that wait. */
export interface AppendSignal {
  /** See Log.mark. */
  mark(): number;
  /** Says that this process appended to a topic. */
  raise(topic: string): void;
  /** See Log.waitForAppend. */
  wait(wait: AppendWait): Promise<void>;
  close(): void;
}

interface Waiter {
  readonly topics: ReadonlySet<string>;
  readonly wake: () => void;
}

/**
 * `foreignVersion` answers a number that is another one after another process wrote; it is asked every `pollMs` while
 * somebody waits. With 0 nobody else writes and it is never asked.
 */
export function appendSignal(foreignVersion: () => number, pollMs: number): AppendSignal {
  const waiters = new Set<Waiter>();
  let version = 0;
  let seen: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const wakeAll = (): void => {
    for (const waiter of [...waiters]) waiter.wake();
  };
  const look = (): void => {
    if (pollMs === 0 || closed) return;
    const now = foreignVersion();
    if (now === seen) return;
    seen = now;
    version++;
    wakeAll();
  };
  const poll = (): void => {
    timer = undefined;
    try {
      look();
    } catch {
      // Who waits meets the same error in its own next call, where it can be answered.
      wakeAll();
    }
    arm();
  };
  const arm = (): void => {
    if (pollMs > 0 && !closed && timer === undefined && waiters.size > 0) timer = setTimeout(poll, pollMs);
  };

  return {
    mark() {
      look();
      return version;
    },
    raise(topic) {
      version++;
      for (const waiter of [...waiters]) if (waiter.topics.has(topic)) waiter.wake();
    },
    wait({ since, topics, waitMs, signal }) {
      if (closed || since !== version || waitMs <= 0 || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          waiters.delete(waiter);
          clearTimeout(patience);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const waiter: Waiter = { topics: new Set(topics), wake };
        const patience = setTimeout(wake, waitMs);
        signal?.addEventListener("abort", wake, { once: true });
        waiters.add(waiter);
        arm();
      });
    },
    close() {
      closed = true;
      clearTimeout(timer);
      wakeAll();
    },
  };
}
