// npm run conformance -- URL [--key KEY] [--gateway URL] [--path kafka|direct|fallback] [--only TEXT] [--json]
// Runs the suite against a service that runs anywhere; exit code 1 when a case fails.
import { parseArgs } from "node:util";
import { CASES } from "./cases.ts";
import type { Target } from "./client.ts";
import { conform, type Verdict } from "./conform.ts";

const PATHS = ["kafka", "direct", "fallback"] as const;

const { values, positionals } = parseArgs({
  options: {
    /** An API key with every scope. */
    key: { type: "string" },
    /** Address of the service's Kafka gateway: cases write records past the service. */
    gateway: { type: "string" },
    /** The way that operations take at this service. */
    path: { type: "string", default: "kafka" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

const [url] = positionals;
if (url === undefined || !URL.canParse(url))
  throw new Error("Which service? npm run conformance -- http://127.0.0.1:8787");
const path = PATHS.find((name) => name === values.path);
if (path === undefined) throw new Error(`--path is one of ${PATHS.join(", ")}`);

const target: Target = { url: url.replace(/\/$/, ""), key: values.key, gateway: values.gateway, path };
const chosen = CASES.filter(({ name }) => name.includes(values.only));
const verdicts = await conform(target, chosen, values.json ? undefined : print);
if (values.json) console.log(JSON.stringify(verdicts));
const failed = verdicts.filter(({ verdict }) => verdict === "FAILED").length;
if (!values.json)
  console.log(failed === 0 ? `${verdicts.length} cases, none failed` : `${failed} of ${verdicts.length} cases failed`);
process.exitCode = failed === 0 ? 0 : 1;

function print({ name, verdict, ms, error }: Verdict): void {
  console.log(
    `${verdict.padEnd(8)}${String(ms).padStart(6)} ms  ${name}${error === undefined ? "" : `\n    ${error.split("\n").join("\n    ")}`}`,
  );
}
