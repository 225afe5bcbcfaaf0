// What a check of `tidegate probe` found.
import type { Session } from "./session.ts";

/** `unknown`: the check could not be carried out, and its detail says why. */
export type Verdict = "yes" | "no" | "partly" | "unknown" | "not asked";

export interface Finding {
  readonly verdict: Verdict;
  readonly detail: string;
}

/** One line of the card. */
export interface Check {
  readonly id: string;
  /** What is looked at, as a person asks it. */
  readonly question: string;
  /** Dialects that have no such thing to look at, and why. */
  readonly notFor?: { readonly [dialect: string]: string };
  run(session: Session): Promise<Finding>;
}

export const yes = (detail: string): Finding => ({ verdict: "yes", detail });
export const no = (detail: string): Finding => ({ verdict: "no", detail });
export const partly = (detail: string): Finding => ({ verdict: "partly", detail });
export const unknown = (detail: string): Finding => ({ verdict: "unknown", detail });
