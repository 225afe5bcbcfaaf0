// What an import did, in numbers and in words.
import { LEFT_OUT_REASONS, type LeftOutReason } from "./chatgpt-thread.ts";
import { formatCount } from "./progress.ts";

/** The summary as `--json` prints it. */
export interface Summary {
  /** False when it was interrupted. */
  readonly complete: boolean;
  /** Operations of the input that were settled in this run: accepted or rejected. */
  readonly operations: number;
  /** Operations passed over because an earlier run had settled them. */
  readonly skipped: number;
  /** Seen in CHIT-CHAT and ChatGPT input. */
  readonly sessions: number;
  readonly messages: number;
  readonly users: number;
  /** Of ChatGPT input: messages that are no part of what was said, and attachments, by reason. */
  readonly leftOut: { readonly [reason in LeftOutReason]?: number };
  readonly accepted: number;
  readonly byFlow: { readonly [flow: string]: number };
  readonly byPath: { readonly kafka: number; readonly direct: number; readonly fallback: number };
  readonly rejected: number;
  readonly rejects: readonly string[];
  readonly retries: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Processor time of this client, microseconds per operation. */
  readonly clientMicros: number;
}

/** The summary as a person reads it. */
export function formatSummary(summary: Summary): string {
  const { complete, operations, skipped, sessions, messages, users, accepted, byFlow, byPath, rejected } = summary;
  const seen =
    sessions > 0
      ? `: ${formatCount(sessions)} sessions, ${formatCount(messages)} messages, ${formatCount(users)} users`
      : "";
  const lines = [
    `${complete ? "Imported" : "Interrupted after"} ${formatCount(operations)} operations in ${summary.seconds.toFixed(1)} s (${formatCount(summary.perSecond)}/s)${seen}`,
    `Accepted ${formatCount(accepted)}${list(byFlow)}; by path${list(byPath)}`,
  ];
  if (rejected > 0) lines.push(`Rejected ${formatCount(rejected)}, with reasons in ${summary.rejects.join(", ")}`);
  const left = leftOutWords(summary.leftOut);
  if (left !== "") lines.push(`Left out: ${left}`);
  if (skipped > 0) lines.push(`Passed over ${formatCount(skipped)} that an earlier run had settled`);
  if (summary.retries > 0) lines.push(`Retries ${formatCount(summary.retries)}`);
  if (!complete) lines.push("Run it again with --resume to go on");
  return lines.join("\n");
}

function list(counts: { readonly [name: string]: number }): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${formatCount(count)}`);
  return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
}

const LEFT_OUT: { readonly [reason in LeftOutReason]: string } = {
  otherBranch: "messages on other branches",
  system: "system messages",
  tool: "messages from and to tools",
  hidden: "hidden messages",
  noText: "messages without text",
  attachments: "attachments",
};

function leftOutWords(counts: Summary["leftOut"]): string {
  return LEFT_OUT_REASONS.filter((reason) => (counts[reason] ?? 0) > 0)
    .map((reason) => `${formatCount(counts[reason]!)} ${LEFT_OUT[reason]}`)
    .join(", ");
}
