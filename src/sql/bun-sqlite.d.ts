/** What the seam uses of Bun's own module; there is no Bun where the sources are checked. */
declare module "bun:sqlite" {
  type Value = string | number | null;
  export interface Statement {
    all(...params: Value[]): unknown[];
    get(...params: Value[]): unknown;
    run(...params: Value[]): { changes: number };
    finalize(): void;
  }
  export class Database {
    constructor(path: string, options: { create: boolean; readwrite: boolean; strict: boolean });
    readonly inTransaction: boolean;
    prepare(sql: string): Statement;
    exec(sql: string): unknown;
    close(): void;
  }
}
