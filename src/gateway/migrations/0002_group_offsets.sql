-- What consumer groups committed: the offset to read next.

CREATE TABLE log_group_offset (
  group_name TEXT NOT NULL,
  topic INTEGER NOT NULL REFERENCES log_topic (number),
  partition INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  PRIMARY KEY (group_name, topic, partition)
) STRICT, WITHOUT ROWID;
