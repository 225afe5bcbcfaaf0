// JSON values as the domain stores them: what may be stored, and one canonical text for comparing and hashing.

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/**
 * One text for equal values: object members sorted by code unit, no whitespace.
 * Two values have the same canonical text exactly when they are the same JSON value.
 */
export function canonical(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const names = sortTexts(Object.keys(value));
  let text = "{";
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    text += `${i === 0 ? "" : ","}${JSON.stringify(name)}:${canonical(value[name]!)}`;
  }
  return `${text}}`;
}

/** Up to here moving texts by hand is faster than asking the engine, and takes no memory. */
const FEW = 16;

/** Sorts texts by code unit, in place. */
export function sortTexts(texts: string[]): string[] {
  if (texts.length > FEW) return texts.sort();
  for (let i = 1; i < texts.length; i++) {
    const text = texts[i]!;
    let at = i;
    for (; at > 0 && texts[at - 1]! > text; at--) texts[at] = texts[at - 1]!;
    texts[at] = text;
  }
  return texts;
}

/** Why a value cannot be stored, and where: `pointer` is an RFC 6901 pointer in URI fragment form. */
export interface Unstorable {
  pointer: string;
  detail: string;
}

/** Deepest nesting of arrays and objects that an operation may carry. */
export const DEPTH_MAX = 32;

/**
 * The first thing in `value` that some store on the way could not keep exactly: NUL, a lone surrogate, an integer
 * beyond 2^53, a number beyond all (JSON may say 1e999), a member named `__proto__`, or nesting deeper than
 * {@link DEPTH_MAX}. Null when everything can be kept.
 */
export function findUnstorable(value: Json): Unstorable | null {
  const found = search(value, 0);
  return found === null
    ? null
    : { pointer: `#${found.path.map((part) => `/${pointerPart(part)}`).join("")}`, detail: found.detail };
}

/** `path` is filled from the inside out: only a find pays for its pointer. */
interface Found {
  readonly path: string[];
  readonly detail: string;
}

function search(value: Json, depth: number): Found | null {
  if (typeof value === "string") return searchText(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return { path: [], detail: "The number is larger than any that can be kept" };
    const exact = !Number.isInteger(value) || Number.isSafeInteger(value);
    return exact ? null : { path: [], detail: "The integer is beyond 2^53 and would lose digits; send it as a string" };
  }
  if (value === null || typeof value !== "object") return null;
  if (depth >= DEPTH_MAX) return { path: [], detail: `The value is nested deeper than ${DEPTH_MAX} levels` };
  const members = value as { [name: string]: Json };
  for (const name of Object.keys(members)) {
    const found = searchName(name) ?? search(members[name]!, depth + 1);
    if (found !== null) {
      found.path.unshift(name);
      return found;
    }
  }
  return null;
}

/** One reference token of an RFC 6901 pointer, in URI fragment form. A lone surrogate is shown as U+FFFD. */
export function pointerPart(name: string): string {
  return encodeURIComponent(name.toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1"));
}

function searchName(name: string): Found | null {
  if (name === "__proto__") return { path: [], detail: "A member must not be named __proto__" };
  return searchText(name);
}

function searchText(text: string): Found | null {
  if (text.includes("\0")) return { path: [], detail: "The text holds a NUL character" };
  if (!text.isWellFormed()) return { path: [], detail: "The text holds a lone surrogate" };
  return null;
}
