// `eval "$(npm run -s stack:env)"`: the variables that lead the service and its gateway to the running stack.
import process from "node:process";
import { stackVariables } from "./stack.ts";
import { readState } from "./state.ts";

const state = readState();
if (state === undefined) {
  process.stderr.write('No stack runs here: "npm run stack -- --detach" starts one\n');
  process.exitCode = 1;
} else {
  for (const [name, value] of Object.entries(stackVariables(state)))
    process.stdout.write(`export ${name}='${value}'\n`);
}
