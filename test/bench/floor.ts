// The floor: one process writes the rows that an import ends in (log, ledger, node, edges) straight into files of the same
// schema, in transactions of 1,000. Prints one JSON line. Usage: floor.ts DATA FOLDER LIMIT
import { join } from "node:path";
import { openSqliteLog } from "../../src/gateway/node-sqlite-log.ts";
import { openFileSql, readMigrations } from "../../src/sql/file.ts";
import { migrate, type Sql } from "../../src/sql/sql.ts";
import { type BenchOperation, readOperations } from "./operations.ts";

const [data = "", folder = "", limit = "0"] = process.argv.slice(2);
const BATCH = 1_000;
const STAMP = "01a205962ab0-0000-0123456789abcdef";
const HASH = "x".repeat(43);
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

const operations = readOperations(data, Number(limit));
await openSqliteLog(join(folder, "log.sqlite")).close();
const log = openFileSql(join(folder, "log.sqlite"));
const graph = openFileSql(join(folder, "graph.sqlite"));
migrate(
  graph,
  "graph.sqlite",
  0x54644772,
  readMigrations(new URL("../../src/adapters/database/migrations/", import.meta.url)),
);

const began = performance.now();
for (let i = 0; i < operations.length; i += BATCH) {
  const batch = operations.slice(i, i + BATCH).map((operation, k) => ({ ...operation, id: operationId(i + k) }));
  log.transaction(() => {
    for (const [k, operation] of batch.entries()) appendRecord(log, operation, i + k);
  });
  graph.transaction(() => {
    for (const operation of batch) writeRows(graph, operation);
  });
}
const seconds = (performance.now() - began) / 1_000;
log.close();
graph.close();
console.log(JSON.stringify({ operations: operations.length, seconds, rate: operations.length / seconds }));

type Numbered = BenchOperation & { readonly id: string };

function operationId(n: number): string {
  return `01a20596-2ab0-748d-89c1-${n.toString(16).padStart(12, "0")}`;
}

function appendRecord(sql: Sql, { id, flow, data }: Numbered, offset: number): void {
  const partitionKey = data.session ?? data.id;
  const record = JSON.stringify({
    specversion: "1.0",
    id,
    source: "/tidegate",
    type: `tidegate.${flow}.create`,
    time: "2018-05-02T19:38:15.000Z",
    datacontenttype: "application/json",
    dataschema: `urn:tidegate:${flow}.create:1`,
    partitionkey: partitionKey,
    tenant: "default",
    stamp: STAMP,
    traceparent: TRACEPARENT,
    data,
  });
  const bytes = record.length + partitionKey.length;
  sql.run(
    "INSERT INTO log_record (id, timestamp_ms, bytes, flags, key, value, headers) VALUES (?, ?, ?, 0, ?, ?, NULL)",
    offset,
    1_700_000_000_000,
    bytes,
    partitionKey,
    record,
  );
}

function writeRows(sql: Sql, { id, flow, data }: Numbered): void {
  const kind = flow === "session" ? "Session" : "Message";
  const key = `default/${kind}/${encodeURIComponent(data.id)}`;
  const fields: Record<string, [unknown, number]> = {};
  for (const [name, value] of Object.entries(data)) if (name !== "id" && value !== undefined) fields[name] = [value, 0];
  const state = JSON.stringify({ v: [`${STAMP}|${id}`], b: 0, f: fields });
  sql.run("INSERT INTO entity (key, state, hidden, visible, unseen) VALUES (?, ?, 0, 1, 0)", key, state);
  const sort = `${data.sentAt}|${String(data.seq).padStart(16, "0")}|${STAMP}|${id}`;
  const edge = "INSERT INTO edge (source, field, target, live, sort) VALUES (?, ?, ?, 1, ?)";
  if (data.session !== undefined) {
    sql.run(edge, key, "session", `default/Session/${encodeURIComponent(data.session)}`, sort);
    sql.run(edge, key, "user", `default/User/${encodeURIComponent(data.user!)}`, sort);
  }
  sql.run(
    "INSERT INTO ledger (key, flow, type, path, outcome, hash, stamp, entity, registers, at_ms) VALUES (?, ?, 'create', 'kafka', ?, ?, ?, ?, ?, ?)",
    `default/${id}`,
    flow,
    '{"outcome":"applied"}',
    HASH,
    STAMP,
    key,
    Object.keys(fields).length + 1,
    1_700_000_000_000,
  );
}
