// Rules of core-proof (a) without a test here, and what brings it.
import { test } from "vitest";

test.todo("#7 one compound completion register: comes with the action flow");
test.todo("#12 no invariant across entities: comes with the first operation that changes two of them");
test.todo("#15 owners are locked with the batch: comes with the Neo4j adapter, SQLite has one writer");
test.todo("#31 a passed database deadline is unknown: comes with the Query API adapter");
test.todo("#32 a prepared result is an operation of its own: comes with summarization, context-analysis and action");
test.todo("#33 text is an observation with its basis: comes with summarization");
test.todo("#34 a query changes nothing: comes with the query types of memory and session");
test.todo("#36 discard, replay and edit are records in the log: comes with decisions about parked records and rebuild");
test.todo("#37 the ledger of prepared operations is never purged: comes with purge");
test.todo("#41 erasure against a log kept for ever: comes with encryption per subject");
