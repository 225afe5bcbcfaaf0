// Log lines of a Worker: standard output is what the platform collects.
import type { Write } from "../../app/log.ts";
import type { Config } from "../../config.ts";
import { startLogging } from "../logging.ts";

let write: Write | undefined;

/** The isolate's writer. It is made with the first line, for most invocations write none. */
export function workerLog({ LOG_LEVEL }: Config): Write {
  return (level, message, fields) => {
    write ??= startLogging(LOG_LEVEL, (line) => console.log(line));
    write(level, message, fields);
  };
}
