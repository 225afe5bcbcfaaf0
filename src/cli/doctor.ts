// `tidegate doctor`: looks at everything the service of this environment stands on, one line each. It changes nothing.
import { defineCommand } from "citty";
import { type Config, ConfigError, parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { checkData, checkFile, checkSecret } from "./doctor/files.ts";
import { type Finding, fail, formatFindings, ok, warn } from "./doctor/finding.ts";
import { checkNeo4j } from "./doctor/neo4j.ts";
import { checkKafka, checkPort, checkRegistry } from "./doctor/network.ts";
import { loadEnvFile } from "./env-file.ts";
import { messageOf } from "./failure.ts";

const args = {
  json: { type: "boolean", description: 'Print one JSON object: {"ok":…,"findings":[…]}' },
} as const;

export const doctor = defineCommand({
  meta: {
    name: "doctor",
    description: "Check what the service of this environment stands on; exit 0 if nothing fails",
  },
  args,
  async run({ args: { json } }): Promise<number> {
    const findings = await examine();
    const isWell = findings.every(({ verdict }) => verdict !== "fail");
    process.stdout.write(`${json === true ? JSON.stringify({ ok: isWell, findings }) : formatFindings(findings)}\n`);
    return isWell ? 0 : 1;
  },
});

/** Every check, in order. One that goes wrong in a way nobody foresaw is a finding as well. */
async function examine(): Promise<Finding[]> {
  let config: Config;
  try {
    loadEnvFile();
    config = parseConfig(process.env, flows);
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
    return [
      ...problems.map((problem) => fail("config", problem, "see .env.example")),
      warn("others", "not checked", "mend the configuration first"),
    ];
  }
  const checks: { readonly [name: string]: () => Finding | Promise<Finding | Finding[]> } = {
    data: () => checkData(config),
    secret: () => checkSecret(config),
    database: () => (config.neo4j === undefined ? checkFile(config) : checkNeo4j(config.neo4j)),
    broker: () => checkKafka(config),
    schemas: () => checkRegistry(config),
    port: () => checkPort(config),
  };
  const findings = [ok("config", `role ${config.ROLE}, at ${config.HOST}:${config.PORT}, data in ${config.DATA_DIR}`)];
  for (const [name, check] of Object.entries(checks)) {
    try {
      findings.push(...[await check()].flat());
    } catch (error) {
      findings.push(fail(name, `the check itself failed: ${messageOf(error)}`, "tell its maintainers"));
    }
  }
  return findings;
}
