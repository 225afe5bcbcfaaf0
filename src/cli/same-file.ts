// Whether a file that is written is one that is read: what was named by mistake must not be lost.
import { statSync } from "node:fs";

/** Whether both paths lead to one file that exists, by whatever names. */
export function isSameFile(path: string, other: string): boolean {
  const [a, b] = [path, other].map((each) => statSync(each, { throwIfNoEntry: false, bigint: true }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** Whether there is something that is no file of its own: a device, a pipe. It is written to, and never put in another's place. */
export function isDevice(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}
