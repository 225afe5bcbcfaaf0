-- Texts are split into words and folded before they are indexed, as every database of ours does it: what then lies between
-- two spaces is one word. Entries that were indexed otherwise are indexed anew when the database is opened.
DROP TABLE search_text;
CREATE VIRTUAL TABLE search_text USING fts5 (
  text, content = '', contentless_delete = 1, tokenize = 'ascii'
);
CREATE TABLE reindex (
  id INTEGER PRIMARY KEY
) STRICT;
INSERT INTO reindex (id) SELECT id FROM search;
