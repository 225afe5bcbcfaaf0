// Log lines as JSON on standard output, by LogTape.
import { configureSync, getJsonLinesFormatter, getLogger, type LogLevel } from "@logtape/logtape";
import type { Write } from "../app/log.ts";

/** Configures the process's log and answers its writer. `line` receives each line without its end. */
export function startLogging(level: LogLevel, line: (text: string) => void): Write {
  const format = getJsonLinesFormatter({ properties: "flatten" });
  configureSync({
    sinks: { lines: (record) => line(format(record).trimEnd()) },
    loggers: [
      { category: ["tidegate"], sinks: ["lines"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
    reset: true,
  });
  const logger = getLogger(["tidegate"]);
  return (at, message, fields) => {
    if (at === "info") logger.info(message, fields);
    else if (at === "warning") logger.warn(message, fields);
    else logger.error(message, fields);
  };
}
