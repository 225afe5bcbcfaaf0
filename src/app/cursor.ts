// Cursors: a database's place in a list, in base64url, which an address carries as it is.
import { AppError } from "../domain/errors.ts";

/** Writes a database's cursor for a client. */
export function writeCursor(cursor: string): string {
  return btoa(encodeURIComponent(cursor)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads a client's cursor; empty begins at the start. Throws AppError `invalid_input` for one that is not ours. */
export function readCursor(cursor: string): string {
  if (cursor === "") return "";
  try {
    const text = decodeURIComponent(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
    const parts: unknown = JSON.parse(text);
    const isPart = (part: unknown): boolean => typeof part === "string" || Number.isSafeInteger(part);
    if (Array.isArray(parts) && parts.length === 2 && parts.every(isPart)) return text;
  } catch {
    // Falls through: whatever it is, it is not ours.
  }
  throw new AppError("invalid_input", "The cursor is not one that this service gave out", {
    faults: [{ pointer: "#/cursor", detail: "Not a cursor of this list" }],
  });
}
