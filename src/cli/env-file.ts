// A `.env` file in the working directory, for the commands that read the service's configuration.
import { existsSync, readFileSync } from "node:fs";
import { Failure, fileReason } from "./failure.ts";

/** Reads variables from a file when there is one; what is set already stays. Throws Failure. */
export function loadEnvFile(path = ".env"): void {
  if (!existsSync(path)) return;
  try {
    // Says in better words why a file cannot be read.
    readFileSync(path);
    process.loadEnvFile(path);
  } catch (error) {
    throw new Failure(`Cannot read ${path}: ${fileReason(error)}`, { cause: error });
  }
}
