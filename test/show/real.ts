// CHIT-CHAT through a real Kafka into a real Neo4j, with both and the gateway failing in its middle; the first operations
// again over Neo4j's Query API; the graph once more from Kafka alone; and three consumers, one of them killed.
// `node test/show/real.ts [FILE] [--only b,q,c] [--keep]`. Starts the real parts anew: they have to be empty.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildCanonical } from "../canonical/chitchat-canonical.ts";
import { startStack, stopStack } from "../stack/stack.ts";
import { readState } from "../stack/state.ts";
import { findChitchat } from "../support/chitchat.ts";
import { killAll } from "../support/tidegate-process.ts";
import { threeConsumers } from "./real-consumers.ts";
import { firstOverQueryApi, throughOutages } from "./real-variants.ts";
import type { Show } from "./stage.ts";
import { concluded, print, type Told, tell } from "./told.ts";

const VARIANTS = { b: throughOutages, q: firstOverQueryApi, c: threeConsumers } as const;
type Name = keyof typeof VARIANTS;

const { values, positionals } = parseArgs({
  options: { only: { type: "string" }, keep: { type: "boolean" } },
  allowPositionals: true,
});

async function showReal(): Promise<number> {
  const file = positionals[0] ?? findChitchat("the show");
  if (file === undefined) return 1;
  if (readState() !== undefined) throw new Error('The real parts run already: "npm run stack:stop" ends them');
  const names = (values.only?.split(",") ?? Object.keys(VARIANTS)) as Name[];
  const canonical = buildCanonical(file);
  const root = mkdtempSync(join(tmpdir(), "tidegate-show-"));
  const show: Show = { file: resolve(file), canonical, root, seed: 0, small: false };
  print(`canonical ${canonical.sha256}: ${canonical.sessions} sessions, ${canonical.messages} messages`);
  let failed = 0;
  process.once("SIGINT", () => process.exit(130));
  try {
    for (const name of names) failed += await tell(name, () => onEmptyParts(name, show));
  } finally {
    killAll();
    await stopStack();
    if (values.keep === true) print(`kept ${root}`);
    else rmSync(root, { recursive: true, force: true });
  }
  return concluded(failed);
}

/** Plays a variant on empty parts. */
async function onEmptyParts(name: Name, show: Show): Promise<Told> {
  await startStack({ only: ["kafka", "neo4j"], zookeeper: false, say: print });
  try {
    return await VARIANTS[name](show, print);
  } finally {
    killAll();
    await stopStack();
  }
}

process.exitCode = await showReal();
