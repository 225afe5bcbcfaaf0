// JSON objects one after the other, as v3 takes and gives them; by trying, not as the sources do it.

/** The objects of a text. Throws when there is anything else in it. */
export function parseStream(text: string): unknown[] {
  const found: unknown[] = [];
  let start = 0;
  for (let end = 1; end <= text.length; end++) {
    if (text[end - 1] !== "}") continue;
    try {
      found.push(JSON.parse(text.slice(start, end)));
      start = end;
    } catch {
      // Not the end of the object yet.
    }
  }
  if (text.slice(start).trim() !== "") throw new Error(`not JSON: ${text.slice(start)}`);
  return found;
}
