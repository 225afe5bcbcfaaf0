// Capability cards of every dialect, as `tidegate probe` prints them, for docs/dialects.md.
import type { Hono } from "hono";
import { type Card, examine } from "../../src/cli/probe/examine.ts";
import type { Dialect } from "../../src/config/kafka-url.ts";
import { gatewayBundle, loopback } from "../support/gateway-bundle.ts";
import { PROXIES } from "../support/proxies/every.ts";
import { upstashProxy } from "../support/proxies/upstash.ts";

/** Where the facts of a card come from. */
export type Source = "run here" | "transcript" | "read in source";

/** One card to be. */
export interface CardOf {
  readonly title: string;
  readonly source: Source;
  readonly dialect: Dialect;
  readonly open: () => Promise<{ readonly app: Pick<Hono, "fetch"> }>;
}

const TOPIC = "probe";
const from = (name: keyof typeof PROXIES) => async () => PROXIES[name]({ [TOPIC]: 2 });

/** Every card that can be made in this process. */
export const CARDS: readonly CardOf[] = [
  {
    title: "Tidegate's gateway on SQLite",
    source: "run here",
    dialect: "tidegate",
    open: () => gatewayBundle({ topics: { [TOPIC]: 2 } }),
  },
  { title: "Strimzi's bridge 1.0.0", source: "transcript", dialect: "strimzi", open: from("strimzi") },
  { title: "Karapace 5.0.3", source: "transcript", dialect: "karapace", open: from("karapace") },
  { title: "Confluent's REST Proxy, v2", source: "read in source", dialect: "confluent", open: from("confluent") },
  {
    title: "Confluent's REST Proxy, v3 for producing",
    source: "read in source",
    dialect: "confluent-v3",
    open: from("confluent-v3"),
  },
  { title: "Redpanda's HTTP proxy", source: "read in source", dialect: "redpanda", open: from("redpanda") },
  {
    title: "The Upstash REST API",
    source: "read in source",
    dialect: "upstash",
    open: async () => upstashProxy({ [TOPIC]: 2 }),
  },
];

/** Examines one. */
export async function cardOf({ dialect, open }: CardOf): Promise<Card> {
  const proxy = await open();
  await using server = await loopback(proxy.app);
  const card = await examine({
    url: server.url,
    dialect,
    topic: TOPIC,
    timeoutMs: 60_000,
    access: {
      fetch,
      ...(dialect === "upstash"
        ? {
            headers: { authorization: `Basic ${btoa("user:secret")}` },
            basic: { username: "user", password: "secret" },
          }
        : {}),
    },
  });
  if ("reason" in card) throw new Error(card.reason);
  return card;
}

/** A card as a table; what changes from run to run is left out. */
export function tableOf({ findings }: Card): string {
  const rows = findings
    .filter(({ id }) => id !== "delays")
    .map(({ question, verdict, detail }) => `| ${question} | ${verdict} | ${constant(detail)} |`);
  return ["| | answer | detail |", "|---|---|---|", ...rows].join("\n");
}

function constant(detail: string): string {
  return detail.replaceAll("|", "\\|").replace(/tidegate-probe-[0-9a-f]{8}/g, TOPIC);
}
