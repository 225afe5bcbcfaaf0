// What a variant of a show tells: statements, and whether they hold.

/** What was seen: statements, and whether they hold. */
export interface Told {
  readonly holds: { readonly [statement: string]: boolean };
}

export type Say = (line: string) => void;

export const print: Say = (line) => void process.stdout.write(`${line}\n`);

/** Plays a variant and prints what it tells; answers how many of its statements do not hold. One that throws holds not. */
export async function tell(name: string, play: () => Promise<Told>): Promise<number> {
  const { holds } = await play().catch(
    (error: unknown): Told => ({
      holds: { [error instanceof Error ? (error.stack ?? error.message) : String(error)]: false },
    }),
  );
  for (const [statement, isSo] of Object.entries(holds)) print(`${name} ${isSo ? "ok    " : "NOT SO"} ${statement}`);
  return Object.values(holds).filter((isSo) => !isSo).length;
}

/** Prints how it ended; answers the exit code. */
export function concluded(failed: number): number {
  print(failed === 0 ? "All hold" : `${failed} statements do not hold`);
  return failed === 0 ? 0 : 1;
}
