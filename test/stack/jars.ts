// Fetches a part's jars with Maven, once: they stay in a folder outside the tree, named by what the pom asks for.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findMaven } from "./java.ts";

/** Folders under maven/, each with the pom of one part. */
export type Pom = "kafka" | "kafka-zookeeper" | "neo4j" | "registry";

const FETCH_MS = 540_000;
const OUTPUT_BYTES_MAX = 4_194_304;

/** Answers the folder with the part's jars; fetches them when they are not there yet. */
export async function jars(pom: Pom, say: (line: string) => void): Promise<string> {
  const file = fileURLToPath(new URL(`maven/${pom}/pom.xml`, import.meta.url));
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12);
  const cache = process.env.STACK_CACHE || join(homedir(), ".cache/tidegate-stack");
  const folder = join(cache, `${pom}-${digest}`);
  if (existsSync(folder)) return folder;
  const maven = findMaven();
  say(`${pom}: fetching its jars with Maven into ${folder}, once`);
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, `${pom}-fresh-`));
  try {
    // Maven keeps notes of what it has unpacked beside the pom: they go with the copy.
    const copy = join(fresh, "pom.xml");
    copyFileSync(file, copy);
    const jarsIn = join(fresh, "jars");
    const goal =
      pom === "registry" ? ["dependency:unpack"] : ["dependency:copy-dependencies", "-DincludeScope=runtime"];
    await promisify(execFile)(maven, ["-q", "-B", "-f", copy, ...goal, `-DoutputDirectory=${jarsIn}`], {
      timeout: FETCH_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    keep(jarsIn, folder);
  } catch (error) {
    const { stdout = "", message } = error as { stdout?: string; message: string };
    const reason = /\[ERROR\] (.+)/.exec(stdout)?.[1] ?? message;
    throw new Error(`Cannot fetch the jars of ${pom} with Maven: ${reason}`, { cause: error });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** Two checkouts may fetch at the same time: the first one's folder stays. */
function keep(fetched: string, folder: string): void {
  try {
    renameSync(fetched, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}
