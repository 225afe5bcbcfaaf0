// What a check of `tidegate doctor` found, in one line.
import { plain } from "../text.ts";

export type Verdict = "ok" | "warn" | "fail";

/** One check's result; `advice` says what to do. */
export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  readonly found: string;
  readonly advice?: string;
}

export const ok = (name: string, found: string): Finding => ({ name, verdict: "ok", found });

export const warn = (name: string, found: string, advice: string): Finding => ({
  name,
  verdict: "warn",
  found,
  advice,
});

export const fail = (name: string, found: string, advice: string): Finding => ({
  name,
  verdict: "fail",
  found,
  advice,
});

/** Findings, one a line. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, verdict, found, advice }) => {
      const text = plain(advice === undefined ? found : `${found}; ${advice}`);
      return `${verdict.padEnd(4)}  ${name.padEnd(width)}  ${text}`;
    })
    .join("\n");
}
