-- Consumer processes that share the partitions out, while their time has not passed.
CREATE TABLE consumer (
  name TEXT PRIMARY KEY,
  flows TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
