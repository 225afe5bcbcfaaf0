// Runs cases against one address.
import type { Case } from "./case.ts";
import { createClient, type Target } from "./client.ts";

/** What became of a case; `error` says why it failed. */
export interface Verdict {
  readonly name: string;
  readonly verdict: "ok" | "skipped" | "FAILED";
  readonly ms: number;
  readonly error?: string;
}

const CASE_MS_MAX = 90_000;

/** Runs cases one after the other, each within a bound. Never throws. */
export async function conform(
  target: Target,
  cases: readonly Case[],
  onVerdict: (verdict: Verdict) => void = () => {},
): Promise<Verdict[]> {
  const client = createClient(target);
  const verdicts: Verdict[] = [];
  for (const { name, needs, run } of cases) {
    const beganMs = performance.now();
    const failure = needs !== undefined && target[needs] === undefined ? "skipped" : await within(run(client));
    const ms = Math.round(performance.now() - beganMs);
    const verdict: Verdict =
      failure === undefined
        ? { name, verdict: "ok", ms }
        : failure === "skipped"
          ? { name, verdict: "skipped", ms, error: `needs --${needs}` }
          : { name, verdict: "FAILED", ms, error: failure.message };
    verdicts.push(verdict);
    onVerdict(verdict);
  }
  return verdicts;
}

/** The error of a case that failed or took too long. */
async function within(work: Promise<void>): Promise<Error | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`not done within ${CASE_MS_MAX / 1_000} s`)), CASE_MS_MAX);
  });
  const failed = work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  return Promise.race([failed, late]).finally(() => clearTimeout(timer));
}
