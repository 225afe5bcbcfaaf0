// How answers look on a terminal: tables, members, ages. What comes from a service is data: no control character of it
// reaches the terminal.

/** A text on one line, without control characters; longer than `charactersMax` is cut. */
export function plain(text: string, charactersMax = Number.POSITIVE_INFINITY): string {
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return shown.length <= charactersMax ? shown : `${shown.slice(0, charactersMax - 1)}…`;
}

/** A text with its lines and tabs, without other control characters. */
export function plainLines(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "�");
}

/** Rows under a heading, in columns as wide as they need; the last column keeps its own width. */
export function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows].map((row) => row.map((cell) => plain(cell)));
  const widths = heading.map((_, column) => Math.max(...lines.map((row) => row[column]!.length)));
  return lines
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The members of an object, one a line. */
export function formatMembers(object: { readonly [name: string]: unknown }): string {
  const members = Object.entries(object).filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(0, ...members.map(([name]) => name.length));
  return members
    .map(
      ([name, value]) => `${name.padEnd(width)}  ${plain(typeof value === "string" ? value : JSON.stringify(value))}`,
    )
    .join("\n");
}

/** How long ago something was, in the largest whole unit. */
export function formatAge(thenMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - thenMs) / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A count with its noun. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
