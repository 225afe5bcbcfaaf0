// Comparisons whose failures say what differs in a line or two.

/** A property does not hold. */
export class Violation extends Error {
  override name = "Violation";
}

/** Throws with the lines that only one side has. */
export function expectSameLines(what: string, actual: readonly string[], expected: readonly string[]): void {
  const more = without(actual, expected);
  const less = without(expected, actual);
  if (more.length === 0 && less.length === 0) return;
  throw new Violation(
    `${what}\n  too much: ${more.join("\n            ")}\n  missing:  ${less.join("\n            ")}`,
  );
}

/** Throws unless the two are equal. */
export function expectSame(what: string, actual: unknown, expected: unknown): void {
  if (actual === expected) return;
  throw new Violation(`${what}: is ${String(actual)}, should be ${String(expected)}`);
}

/** The lines of `a` that `b` has not, each as often as it is missing. */
function without(a: readonly string[], b: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of b) left.set(line, (left.get(line) ?? 0) + 1);
  return a.filter((line) => {
    const count = left.get(line) ?? 0;
    if (count > 0) left.set(line, count - 1);
    return count === 0;
  });
}
