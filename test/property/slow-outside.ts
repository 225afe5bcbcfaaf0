// An outside world that takes its time: what it was asked waits until the journey lets it answer.

type Ask<Args extends readonly unknown[], Said> = (...args: Args) => Promise<Said>;

export interface SlowOutside {
  /** Whether clients wait for prepared work; never together with `slow`. */
  waits: boolean;
  /** Whether questions wait. */
  slow: boolean;
  /** Answers all that was asked so far. */
  answer(): void;
  /** The same question, which waits while the outside world is slow. */
  held<Args extends readonly unknown[], Said>(ask: Ask<Args, Said>): Ask<Args, Said>;
}

export function slowOutside(): SlowOutside {
  let waiting: (() => void)[] = [];
  const outside: SlowOutside = {
    waits: false,
    slow: false,
    answer() {
      for (const go of waiting) go();
      waiting = [];
    },
    held:
      (ask) =>
      async (...args) => {
        if (outside.slow) await new Promise<void>((go) => waiting.push(go));
        return ask(...args);
      },
  };
  return outside;
}
