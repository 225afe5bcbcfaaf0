// The control: a seam that loads without a lock and takes one only to write. It has to corrupt data, or the test that
// runs on it is blind.
import type { Sql } from "../../src/sql/sql.ts";

/** Reads of a transaction see whatever is committed at that moment; its writes are kept back until the end. */
export function naiveSql(inner: Sql): Sql {
  let keptBack: (() => void)[] | undefined;
  return {
    ...inner,
    run(sql, ...params) {
      if (keptBack === undefined) return inner.run(sql, ...params);
      keptBack.push(() => inner.run(sql, ...params));
      return 1;
    },
    transaction(work) {
      keptBack = [];
      try {
        const result = work();
        const writes = keptBack;
        inner.transaction(() => {
          for (const write of writes) write();
        });
        return result;
      } finally {
        keptBack = undefined;
      }
    },
  };
}
