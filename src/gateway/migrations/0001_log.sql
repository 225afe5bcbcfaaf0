-- A log: topics, their partitions and the records.

CREATE TABLE log_topic (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  id TEXT NOT NULL UNIQUE
) STRICT;

-- A partition's number is below 8192: record ids are number * 2^40 + offset and have to stay exact in a double.
CREATE TABLE log_partition (
  number INTEGER PRIMARY KEY CHECK (number BETWEEN 0 AND 8191),
  topic INTEGER NOT NULL REFERENCES log_topic (number),
  partition INTEGER NOT NULL,
  begin_offset INTEGER NOT NULL DEFAULT 0,
  end_offset INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic, partition)
) STRICT;

-- flags: 1 = the key is base64, 2 = the value is base64; otherwise they are the text itself.
CREATE TABLE log_record (
  id INTEGER PRIMARY KEY,
  timestamp_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  key TEXT,
  value TEXT,
  headers TEXT
) STRICT;
