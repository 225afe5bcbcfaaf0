// The one way to write effects: BEGIN IMMEDIATE, load, decide, save, COMMIT. Nothing is awaited in between.
import type { LedgerRow } from "../../domain/outcome.ts";
import type { StoredEntity } from "../../domain/projection.ts";
import type { Save } from "../../domain/settle.ts";
import { encodeState, UNTOUCHED } from "../../domain/state.ts";
import type { Decision, TransactRequest, TransactState, Writes } from "../../ports/database.ts";
import type { Sql } from "../../sql/sql.ts";
import { createRoom } from "./bounds.ts";
import { readEntityIn, readLedger, readPosition } from "./sqlite-rows.ts";
import { answerQuestion, saveIndex } from "./sqlite-search.ts";
import { parkedRow, readRetry, saveDecision, saveParked, saveRetry } from "./sqlite-tasks.ts";

/** A decision may ask for more entities this often; each time it has strictly fewer left to ask for. */
const DECISIONS_MAX = 20;

const UNTOUCHED_TEXT = encodeState(UNTOUCHED);

export function sqliteTransact(
  sql: Sql,
  nowMs: (sql: Sql) => number,
  request: TransactRequest,
  decide: (state: TransactState) => Decision,
): void {
  sql.transaction(() => {
    const take = createRoom(request.divisible);
    const entities = new Map(request.keys.map((key) => [key, readEntityIn(sql, key, take)]));
    const positions = new Map(request.positions.map((key) => [key, readPosition(sql, key)]));
    const ledger = new Map(request.ledger.map((key) => [key, readLedger(sql, key)]));
    const retries = new Map((request.retries ?? []).map((key) => [key, readRetry(sql, key)]));
    const parked = new Set((request.parked ?? []).filter((key) => parkedRow(sql, key) !== undefined));
    const state: TransactState = {
      nowMs: nowMs(sql),
      position: (key) => positions.get(key)!,
      entity: (key) => entities.get(key),
      ledger: (key) => ledger.get(key),
      retry: (key) => retries.get(key),
      isParked: (key) => parked.has(key),
    };
    for (let i = 0; i < DECISIONS_MAX; i++) {
      const decision = decide(state);
      if ("stop" in decision) return;
      if ("write" in decision) return save(sql, decision.write, entities, state.nowMs, take);
      for (const key of decision.need) entities.set(key, readEntityIn(sql, key, take));
    }
    throw new Error(`Cannot decide: more entities were asked for ${DECISIONS_MAX} times`);
  });
}

function save(
  sql: Sql,
  writes: Writes,
  loaded: ReadonlyMap<string, StoredEntity>,
  atMs: number,
  take: (size: number) => void,
): void {
  for (const { key, next, counts } of writes.positions) {
    sql.run(
      "INSERT INTO position (key, next, counts) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET next = excluded.next, counts = excluded.counts",
      key,
      next,
      JSON.stringify(counts),
    );
  }
  for (const entity of writes.entities) saveEntity(sql, entity, loaded.get(entity.key)?.existing ?? true);
  for (const key of writes.names) {
    if (loaded.get(key)?.existing) continue;
    sql.run(
      "INSERT INTO entity (key, state, hidden, visible, unseen) VALUES (?, ?, 0, 0, 0) ON CONFLICT DO NOTHING",
      key,
      UNTOUCHED_TEXT,
    );
  }
  saveLedger(sql, writes.ledger);
  saveTasks(sql, writes, atMs);
  for (const question of writes.questions ?? []) take(answerQuestion(sql, question, atMs));
}

function saveEntity(sql: Sql, { key, state, hidden, visible, edges, index }: Save, existing: boolean): void {
  const unseen = state.born === null && Object.keys(state.fields).length > 0;
  sql.run(
    "INSERT INTO entity (key, state, hidden, visible, unseen) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET " +
      "state = excluded.state, hidden = excluded.hidden, visible = excluded.visible, unseen = excluded.unseen",
    key,
    encodeState(state),
    Number(hidden),
    Number(visible),
    Number(unseen),
  );
  if (index !== undefined) saveIndex(sql, key, index);
  if (edges === undefined) return;
  if (existing) sql.run("DELETE FROM edge WHERE source = ?", key);
  for (const edge of edges) {
    sql.run(
      "INSERT INTO edge (source, field, target, live, sort) VALUES (?, ?, ?, ?, ?)",
      edge.source,
      edge.field,
      edge.target,
      Number(edge.live),
      edge.sort,
    );
  }
}

function saveLedger(sql: Sql, rows: readonly LedgerRow[]): void {
  for (const row of rows) {
    sql.run(
      "INSERT INTO ledger (key, flow, type, path, outcome, hash, stamp, entity, registers, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.key,
      row.flow,
      row.type,
      row.path,
      JSON.stringify(row.outcome),
      row.hash,
      row.stamp,
      row.entity,
      row.registers,
      row.atMs,
    );
  }
}

function saveTasks(sql: Sql, writes: Writes, atMs: number): void {
  const { outbox, parked, sweeps, swept, retries = [], retried = [], unparked = [], decisions = [] } = writes;
  for (const row of outbox) {
    sql.run(
      "INSERT INTO outbox (key, topic, partition_key, record, reason, fatal, attempts, due_ms, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      row.key,
      row.topic,
      row.partitionKey,
      row.record,
      row.reason,
      Number(row.fatal),
      row.attempts,
      row.dueMs,
      atMs,
    );
  }
  for (const row of parked) saveParked(sql, row);
  for (const key of unparked) sql.run("DELETE FROM parked WHERE key = ?", key);
  for (const row of decisions) saveDecision(sql, row);
  for (const row of retries) saveRetry(sql, row, atMs);
  for (const key of retried) sql.run("DELETE FROM retry WHERE key = ?", key);
  if (swept !== undefined) saveSwept(sql, swept);
  // After the progress of a sweep: one that this transaction restarts starts from the beginning.
  for (const key of sweeps) {
    sql.run(
      "INSERT INTO sweep (key, cursor, revision) VALUES (?, '', ?) ON CONFLICT (key) DO UPDATE SET cursor = '', revision = revision + 1",
      key,
      // No number of an earlier sweep of the same entity, whose late progress is not this one's.
      atMs,
    );
  }
}

function saveSwept(sql: Sql, { key, revision, cursor }: NonNullable<Writes["swept"]>): void {
  if (cursor === null) sql.run("DELETE FROM sweep WHERE key = ? AND revision = ?", key, revision);
  else sql.run("UPDATE sweep SET cursor = ? WHERE key = ? AND revision = ?", cursor, key, revision);
}
