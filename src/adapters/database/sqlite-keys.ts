// Idempotency keys, which may lie in a file of their own.
import type { Database, KeyRow } from "../../ports/database.ts";
import type { Sql } from "../../sql/sql.ts";

/** Reserves keys, or says whose they are; see the port. */
export function reserveKeys(sql: Sql, rows: readonly KeyRow[], atMs: number): KeyRow[] {
  return rows.map((row) => {
    const inserted = sql.change(
      "INSERT INTO idempotency_key (key, operation_id, stamp, hash, at_ms, shared) VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
      row.key,
      row.operationId,
      row.stamp,
      row.hash,
      atMs,
    );
    if (inserted === 1) return row;
    const held = sql.get<{ operation_id: string; stamp: string; hash: string; shared: number }>(
      "SELECT operation_id, stamp, hash, shared FROM idempotency_key WHERE key = ?",
      row.key,
    )!;
    const { operation_id: operationId, stamp, hash, shared } = held;
    if (shared === 0 && operationId !== row.operationId) {
      sql.run("UPDATE idempotency_key SET shared = 1 WHERE key = ?", row.key);
    }
    return { key: row.key, operationId, stamp, hash };
  });
}

export function releaseKeys(sql: Sql, rows: Parameters<Database["releaseKeys"]>[0]): void {
  for (const { key, operationId } of rows) {
    sql.run("DELETE FROM idempotency_key WHERE key = ? AND operation_id = ? AND shared = 0", key, operationId);
  }
}

export function purgeKeys(sql: Sql, beforeMs: number, rowsMax: number): number {
  return sql.change(
    "DELETE FROM idempotency_key WHERE key IN (SELECT key FROM idempotency_key WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
    beforeMs,
    rowsMax,
  );
}
