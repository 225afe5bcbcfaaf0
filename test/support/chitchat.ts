// Finds the CHIT-CHAT file: the excerpt is in the repository, the whole file is not.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** 41 real conversations. */
export const CHITCHAT_EXCERPT = fileURLToPath(new URL("../data/chitchat-excerpt.json.gz", import.meta.url));

const BESIDE_THE_REPOSITORY = fileURLToPath(new URL("../../../shared/data/chitchat.json.gz", import.meta.url));

/** The whole file: where CHITCHAT says, else beside the repository; undefined, and said loudly, when it is missing. */
export function findChitchat(who: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = env.CHITCHAT || BESIDE_THE_REPOSITORY;
  if (existsSync(path)) return path;
  process.stderr.write(
    `\n!!! skipped: ${who} needs the CHIT-CHAT file, which is not at ${path}; set CHITCHAT=path !!!\n\n`,
  );
  return undefined;
}
