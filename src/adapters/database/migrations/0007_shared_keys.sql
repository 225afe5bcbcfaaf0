-- Whether a key's operation was given to another request than the one that reserved it: of older rows nobody knows.
ALTER TABLE idempotency_key ADD COLUMN shared INTEGER NOT NULL DEFAULT 1;
