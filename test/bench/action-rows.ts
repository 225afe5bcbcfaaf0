// Actions, 32 at once, against a webhook that takes 20 ms: from the first call to the last result applied, against a bare
// script that calls the same webhook as often, 32 at once.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bin, type Child, flags, inFolder, root, runScript, startChild } from "./child.ts";
import { type Row, rowOf } from "./table.ts";

const AT_ONCE = 32;
const BATCH = 2_500;
const LOOK_MS = 50;
const REST_MS_MAX = 120_000;
const SHARE_MIN = 0.7;
const SECRET = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";

export async function actionRows({ rounds, actions }: { rounds: number; actions: number }): Promise<Row[]> {
  const webhook = await startChild([join(root, "test/bench/webhook-server.ts")], {});
  try {
    const bare: number[] = [];
    const served: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const args = [join(root, "test/bench/bare-calls.ts"), webhook.url, String(actions), String(AT_ONCE)];
      bare.push(JSON.parse(await runScript(args)).seconds);
      served.push(await inFolder((folder) => serve(webhook, folder, actions)));
      const said = [bare, served].map((seconds) => `${(actions / seconds.at(-1)!).toFixed(0)}/s`);
      console.log(`actions ${round}/${rounds}: bare ${said[0]}, service ${said[1]}`);
    }
    const rates = (seconds: readonly number[]): number[] => seconds.map((value) => actions / value);
    const shares = bare.map((seconds, i) => seconds / served[i]!);
    return [
      rowOf("actions, of what 32 calls at once allow", shares, { atLeast: SHARE_MIN }),
      rowOf("action rate", rates(served), { unit: "/s" }),
      rowOf("bare call rate", rates(bare), { unit: "/s" }),
    ];
  } finally {
    await webhook.stop();
  }
}

/** Seconds from the first call until every result is applied. */
async function serve(webhook: Child, folder: string, actions: number): Promise<number> {
  await fetch(webhook.url, { method: "DELETE" });
  const service = await startChild([...flags, bin, "start"], {
    PORT: "0",
    DATA_DIR: folder,
    LOG_LEVEL: "error",
    WEBHOOKS: JSON.stringify({ bench: { url: webhook.url, secret: SECRET } }),
    WEBHOOK_ALLOW_INSECURE: "true",
    PREPARE_AT_ONCE: String(AT_ONCE),
  });
  try {
    for (let i = 0; i < actions; i += BATCH) await post(service, i, Math.min(i + BATCH, actions));
    const until = performance.now() + REST_MS_MAX;
    while ((await applied(service)) < actions) {
      if (performance.now() > until) throw new Error(`The actions were not carried out within ${REST_MS_MAX} ms`);
      await delay(LOOK_MS);
    }
    const seconds = (performance.timeOrigin + performance.now()) / 1_000;
    const { firstMs, calls, openMax } = (await (await fetch(webhook.url)).json()) as Record<string, number>;
    if (calls !== actions || openMax! > AT_ONCE) throw new Error(`${calls} calls, ${openMax} of them at once`);
    return seconds - firstMs! / 1_000;
  } finally {
    await service.stop();
  }
}

async function post({ url }: Child, from: number, to: number): Promise<void> {
  const lines: string[] = [];
  for (let n = from; n < to; n++) {
    const data = { id: `a${n}`, activity: `activity-${n % 100}`, webhook: "bench", input: { n } };
    lines.push(JSON.stringify({ flow: "action", type: "execute", data }));
  }
  const headers = { "Content-Type": "application/x-ndjson" };
  const answer = await fetch(`${url}/v1/operations`, { method: "POST", headers, body: lines.join("\n") });
  const taken = (await answer.text())
    .trim()
    .split("\n")
    .filter((line) => JSON.parse(line).outcome === "queued");
  if (taken.length !== to - from) throw new Error(`${taken.length} of ${to - from} actions were accepted`);
}

/** Requests whose result is applied. */
async function applied({ url }: Child): Promise<number> {
  const check = (await (await fetch(`${url}/v1/check`)).json()) as {
    flows: Record<string, { applied: number; derived: number }>;
  };
  const { applied, derived } = check.flows.action!;
  return applied - derived;
}
