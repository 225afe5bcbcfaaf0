// A `.env` file in the working directory, for the commands that read the service's configuration.
import { existsSync } from "node:fs";
import { Failure, fileReason } from "./failure.ts";

/** Reads variables from a file when there is one; what is set already stays. Throws Failure. */
export function loadEnvFile(path = ".env"): void {
  if (!existsSync(path)) return;
  try {
    process.loadEnvFile(path);
  } catch (error) {
    throw new Failure(`Cannot read ${path}: ${fileReason(error)}`, { cause: error });
  }
}
