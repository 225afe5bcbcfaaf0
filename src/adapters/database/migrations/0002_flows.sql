-- Requests whose work with the outside world is still to be done.
CREATE TABLE retry (
  key TEXT PRIMARY KEY,
  flow TEXT NOT NULL,
  row TEXT NOT NULL,
  record TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  -- Until then somebody is at work on it.
  leased_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX retry_due ON retry (due_ms, key);
CREATE INDEX retry_at ON retry (at_ms);

-- What people decided about parked records. `decided` on a parked row is the version of the last one carried out in vain,
-- `due` says that there is a later one.
ALTER TABLE parked ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parked ADD COLUMN decided TEXT NOT NULL DEFAULT '';
ALTER TABLE parked ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
CREATE INDEX parked_due ON parked (key) WHERE due = 1;
CREATE INDEX parked_at ON parked (at_ms, key);
CREATE TABLE decision (
  record TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  verdict TEXT NOT NULL,
  value TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE query_answer (
  key TEXT PRIMARY KEY,
  answer TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX query_answer_expires ON query_answer (expires_ms);

-- Visible entities of searchable kinds. The texts' rowid is the entry's id.
CREATE TABLE search (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  user TEXT,
  time TEXT NOT NULL,
  ended INTEGER NOT NULL,
  tags TEXT NOT NULL
) STRICT;
CREATE INDEX search_time ON search (tenant, kind, time, key);
CREATE INDEX search_user ON search (user, kind, time, key) WHERE user IS NOT NULL;
CREATE VIRTUAL TABLE search_text USING fts5 (
  text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE INDEX ledger_at ON ledger (at_ms, key);
CREATE INDEX outbox_at ON outbox (at_ms);
CREATE INDEX idempotency_key_at ON idempotency_key (at_ms);
