// Writes a ledger of a size: the rows of real operations, and copies of them under other ids, a millisecond apart, up to
// now. Usage: write-ledger.ts DATA FILE ROWS
import { DEFAULT_TENANT as TENANT } from "../../src/domain/principal.ts";
import { startService } from "../support/service.ts";
import { readOperations } from "./operations.ts";

const [data = "", path = "", count = "0"] = process.argv.slice(2);
const REAL = 5_000;

await using service = await startService({ path, env: { ENABLE_KAFKA: "false" } });
const operations = readOperations(data, REAL).map(({ flow, data }) => ({ flow, type: "create", data }));
const answers = await service.composed.service.accept(operations, TENANT);
if (answers.some((answer) => "problem" in answer)) throw new Error("An operation was not taken");
const sql = service.sql();
const COLUMNS = "flow, type, path, outcome, hash, stamp, entity, registers";
sql.run(
  `INSERT INTO ledger (key, ${COLUMNS}, at_ms)
   WITH RECURSIVE copy (n) AS (VALUES (?1) UNION ALL SELECT n + 1 FROM copy WHERE n < ?2),
     own AS (SELECT row_number() OVER (ORDER BY key) - 1 AS place, * FROM ledger)
   SELECT printf('${TENANT}/%08x-0000-7000-8000-%012x', n, n * 2654435761 % 4294967296), ${COLUMNS}, ?3 - ?2 + n
   FROM copy CROSS JOIN own ON place = n % ?1`,
  REAL,
  Number(count) - 1,
  Date.now(),
);
const { rows } = sql.get<{ rows: number }>("SELECT count(*) AS rows FROM ledger")!;
if (rows !== Number(count)) throw new Error(`The ledger has ${rows} rows`);
