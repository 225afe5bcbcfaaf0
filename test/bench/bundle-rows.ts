// What the Worker weighs. One bundle serves the embedded default and remote parts, so that it has to keep the bound of the
// smaller of the two.
import { buildWorker, withoutModel } from "../../build/worker.ts";
import { type Row, rowOf } from "./table.ts";

const KIB = 1_024;

export async function bundleRows(): Promise<Row[]> {
  const modules = await buildWorker();
  const kib = (some: typeof modules): number => some.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0) / KIB;
  const own = kib(withoutModel(modules));
  console.log(`bundle: ${own.toFixed(0)} KiB gzip without the language model, ${kib(modules).toFixed(0)} with it`);
  return [
    rowOf("Worker bundle, gzip, without the language model; embedded or remote", [own], { unit: " KiB", atMost: 300 }),
    rowOf("Worker bundle, gzip, with the language model", [kib(modules)], { unit: " KiB" }),
  ];
}
