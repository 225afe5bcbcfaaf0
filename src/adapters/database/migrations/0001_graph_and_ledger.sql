-- The graph: every entity anybody named, and every current reference as an edge, live or not.
CREATE TABLE entity (
  key TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  hidden INTEGER NOT NULL,
  visible INTEGER NOT NULL,
  -- Holds data, but nothing created it yet.
  unseen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX entity_unseen ON entity (unseen) WHERE unseen = 1;

CREATE TABLE edge (
  source TEXT NOT NULL,
  field TEXT NOT NULL,
  target TEXT NOT NULL,
  live INTEGER NOT NULL,
  sort TEXT NOT NULL,
  PRIMARY KEY (source, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_target ON edge (target, field, sort, source);

-- The ledger, in the same transactions as the graph.
CREATE TABLE ledger (
  key TEXT PRIMARY KEY,
  flow TEXT NOT NULL,
  type TEXT NOT NULL,
  path TEXT NOT NULL,
  outcome TEXT NOT NULL,
  hash TEXT NOT NULL,
  stamp TEXT NOT NULL,
  entity TEXT NOT NULL,
  registers INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE position (
  key TEXT PRIMARY KEY,
  next INTEGER NOT NULL,
  counts TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  key TEXT PRIMARY KEY,
  topic TEXT NOT NULL,
  partition_key TEXT NOT NULL,
  record TEXT NOT NULL,
  reason TEXT NOT NULL,
  fatal INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due_ms, key);

CREATE TABLE parked (
  key TEXT PRIMARY KEY,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  bytes TEXT,
  operation_key TEXT,
  flow TEXT,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX parked_operation ON parked (operation_key) WHERE operation_key IS NOT NULL;

CREATE TABLE sweep (
  key TEXT PRIMARY KEY,
  cursor TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_key (
  key TEXT PRIMARY KEY,
  operation_id TEXT NOT NULL,
  stamp TEXT NOT NULL,
  hash TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
