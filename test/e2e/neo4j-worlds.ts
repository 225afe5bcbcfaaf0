// Several databases in the one that Community Edition has, each under names of its own and with the test's clock: what
// properties keep their worlds in. Statements are the adapter's own but for these names and the clock.
import { neo4jDatabase } from "../../src/adapters/database/neo4j/neo4j.ts";
import type { OpenTransaction, Params, Transport } from "../../src/adapters/database/neo4j/transport.ts";
import type { Store } from "../property/store.ts";
import { openTransport, type TransportName } from "./neo4j-database.ts";

const ROWS = ["Tidegate", "Entity", "Unseen", "Position", "Ledger", "Outbox", "Parked", "Decision", "Retry", "Sweep"];
const MORE_ROWS = ["IdempotencyKey", "QueryAnswer", "Consumer"];
const KINDS = [
  "User",
  "Session",
  "Message",
  "Summary",
  "Thought",
  "Evaluation",
  "Memory",
  "Activity",
  "Action",
  "Event",
];
const LABELS = [...ROWS, ...MORE_ROWS, ...KINDS];
const LABEL = new RegExp(`(?<=:)(${LABELS.join("|")})\\b`, "g");
const CLOCK = "datetime.realtime().epochMillis";

/** A transport that keeps everything under a prefix. */
function prefixed(inner: Transport, prefix: string, nowMs: () => number): Transport {
  const known = new Map<string, string>();
  const rewrite = (text: string): string => {
    const done = known.get(text);
    if (done !== undefined) return done;
    const rewritten = text
      .replace(LABEL, `${prefix}$1`)
      .replaceAll("tidegate_", `${prefix.toLowerCase()}`)
      .replaceAll("EXISTS { MATCH () }", `EXISTS { MATCH (:${prefix}Entity) }`)
      .replaceAll("labels(n)", `[label IN labels(n) | replace(label, '${prefix}', '')]`)
      .replaceAll(CLOCK, "toInteger($clock)");
    known.set(text, rewritten);
    return rewritten;
  };
  const withClock = (text: string, params: Params): Params =>
    text.includes(CLOCK) ? { ...params, clock: nowMs() } : params;
  const { begin } = inner;
  return {
    run: (text, params) => inner.run(rewrite(text), withClock(text, params)),
    begin:
      begin &&
      ((): OpenTransaction => {
        const open = begin();
        return {
          run: (text, params) => open.run(rewrite(text), withClock(text, params)),
          runAll: (statements) =>
            open.runAll(
              statements.map(({ text, params }) => ({ text: rewrite(text), params: withClock(text, params) })),
            ),
          commit: () => open.commit(),
          rollback: () => open.rollback(),
        };
      }),
    close: () => inner.close(),
  };
}

/** Databases for worlds: as many as are open at a time. */
export function createNeo4jWorlds(name: TransportName) {
  const inner = openTransport(name);
  const idle: string[] = [];
  let made = 0;
  const emptied = async (prefix: string): Promise<void> => {
    const labels = LABELS.filter((label) => label !== "Tidegate").map((label) => prefix + label);
    await inner.run(`MATCH (n:${labels.join("|")}) DETACH DELETE n`, {});
  };
  return {
    openStore(core: { flows: typeof import("../../src/flows/index.ts") }, nowMs: () => number): Store {
      const prefix = idle.pop() ?? `W${made++}_`;
      const transport = prefixed(inner, prefix, nowMs);
      const database = neo4jDatabase({
        transport,
        model: core.flows.model,
        name: `world ${prefix}`,
        delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        random: Math.random,
      });
      return {
        database,
        forgetLedger: async () => void (await transport.run("MATCH (l:Ledger) DELETE l", {})),
        async ledger() {
          const rows = await transport.run("MATCH (l:Ledger) RETURN l.key, l.type, l.outcome", {});
          return (rows as [string, string, string][]).map(([key, type, outcome]) => ({
            key,
            type: type.slice(type.indexOf(".") + 1),
            outcome,
          }));
        },
        answers: async () =>
          ((await transport.run("MATCH (a:QueryAnswer) RETURN a.key", {})) as [string][]).map(([key]) => key),
        async release() {
          await emptied(prefix);
          idle.push(prefix);
        },
      };
    },
    /** Removes every trace of the worlds, their schemas included. */
    async close() {
      for (let i = 0; i < made; i++) {
        const prefix = `W${i}_`;
        await emptied(prefix);
        await inner.run(`MATCH (n:${prefix}Tidegate) DELETE n`, {});
        for (const [what, shown] of [
          ["CONSTRAINT", "CONSTRAINTS"],
          ["INDEX", "INDEXES"],
        ]) {
          const rows = await inner.run(
            `SHOW ${shown} YIELD name WHERE name STARTS WITH '${prefix.toLowerCase()}' RETURN name`,
            {},
          );
          for (const [found] of rows) await inner.run(`DROP ${what} ${String(found)} IF EXISTS`, {});
        }
      }
      await inner.close();
    },
  };
}
