// The first 500 conversations of CHIT-CHAT on every runtime, in one graph: under Node, in workerd, under `wrangler dev`, in a
// workerd that gets two ticks at once and is killed in the middle, and on Deno and workerd with the real parts, when they run.
// `npm run show:runtimes -- [FILE] [--only n,w,d,t,r] [--conversations N] [--keep]`
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../../build/worker.ts";
import { buildCanonical } from "../canonical/chitchat-canonical.ts";
import { install } from "../runtimes/install.ts";
import { findChitchat } from "../support/chitchat.ts";
import { killAll } from "../support/tidegate-process.ts";
import { writeFirst } from "./first-conversations.ts";
import { inWorkerd, onNode, onRealParts, twoTicksAtOnce, underWrangler } from "./runtimes-variants.ts";
import type { Show } from "./stage.ts";
import { concluded, print, tell } from "./told.ts";

const VARIANTS = { n: onNode, w: inWorkerd, d: underWrangler, t: twoTicksAtOnce, r: onRealParts } as const;
type Name = keyof typeof VARIANTS;

const { values, positionals } = parseArgs({
  options: {
    only: { type: "string" },
    conversations: { type: "string", default: "500" },
    keep: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

async function showRuntimes(): Promise<number> {
  const whole = positionals[0] ?? findChitchat("the show");
  if (whole === undefined) return 1;
  const names = (values.only?.split(",") ?? Object.keys(VARIANTS)) as Name[];
  const root = mkdtempSync(join(tmpdir(), "tidegate-show-"));
  const file = join(root, "first.json");
  writeFirst(resolve(whole), Number(values.conversations), file);
  const canonical = buildCanonical(file);
  const show: Show = { file, canonical, root, seed: 0, small: false };
  print(`canonical ${canonical.sha256}: ${canonical.sessions} sessions, ${canonical.messages} messages`);
  install();
  await buildWorker();
  let failed = 0;
  process.once("SIGINT", () => process.exit(130));
  try {
    for (const name of names) failed += await tell(name, () => VARIANTS[name](show, print));
  } finally {
    killAll();
    if (values.keep) print(`kept ${root}`);
    else rmSync(root, { recursive: true, force: true });
  }
  return concluded(failed);
}

process.exitCode = await showRuntimes();
