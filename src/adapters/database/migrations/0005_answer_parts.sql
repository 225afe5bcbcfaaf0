-- An answer lies in parts, because a Durable Object holds no row of more than 2 MB.
CREATE TABLE answer_part (
  key TEXT NOT NULL,
  part INTEGER NOT NULL,
  answer TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (key, part)
) STRICT, WITHOUT ROWID;
INSERT INTO answer_part (key, part, answer, expires_ms) SELECT key, 0, answer, expires_ms FROM query_answer;
DROP TABLE query_answer;
ALTER TABLE answer_part RENAME TO query_answer;
CREATE INDEX query_answer_expires ON query_answer (expires_ms);
