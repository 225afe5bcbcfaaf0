// `npm run cases`: every failure case with the tests that hold it, or why it has none. Exit 1 when a case has neither.
import { CASES, findHolders } from "./table.ts";

const holders = findHolders();
let open = 0;
for (const { number, what, because } of CASES) {
  console.log(`${String(number).padStart(2)}  ${what}`);
  const held = holders.get(number) ?? [];
  for (const { file, title } of held) console.log(`      ${file}: ${title}`);
  if (held.length > 0) continue;
  if (because === undefined) open++;
  console.log(because === undefined ? "      NO TEST" : `      not applicable: ${because}`);
}
console.log(`${CASES.length} cases, ${open} without a test`);
process.exitCode = open === 0 ? 0 : 1;
