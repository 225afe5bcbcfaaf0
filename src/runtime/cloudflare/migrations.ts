// The schemas as modules of the bundle: there are no files to read them from.
import graph1 from "../../adapters/database/migrations/0001_graph_and_ledger.sql";
import graph2 from "../../adapters/database/migrations/0002_flows.sql";
import graph3 from "../../adapters/database/migrations/0003_consumers.sql";
import graph4 from "../../adapters/database/migrations/0004_folded_words.sql";
import graph5 from "../../adapters/database/migrations/0005_answer_parts.sql";
import graph6 from "../../adapters/database/migrations/0006_retries_by_flow.sql";
import graph7 from "../../adapters/database/migrations/0007_shared_keys.sql";
import log1 from "../../gateway/migrations/0001_log.sql";
import log2 from "../../gateway/migrations/0002_group_offsets.sql";
import type { Migration } from "../../sql/sql.ts";

const numbered = (texts: readonly string[]): Migration[] => texts.map((sql, i) => ({ version: i + 1, sql }));

export const GRAPH_MIGRATIONS = numbered([graph1, graph2, graph3, graph4, graph5, graph6, graph7]);
export const LOG_MIGRATIONS = numbered([log1, log2]);
