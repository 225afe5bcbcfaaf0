// A folder for one test, gone afterwards.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `using folder = tempFolder()`, then `folder.path("name")`. */
export function tempFolder(): Disposable & { readonly root: string; path(name: string): string } {
  const root = mkdtempSync(join(tmpdir(), "tidegate-"));
  return {
    root,
    path: (name) => join(root, name),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
