// `tidegate keys create`: an API key, and the entry by which a service knows it. Nothing is kept here.
import { hash as hashOf, randomBytes } from "node:crypto";
import { defineCommand } from "citty";
import { formatKeyEntry, scopeFaults, tenantFaults } from "../domain/key-entry.ts";
import { flows } from "../flows/index.ts";
import { valuesOf } from "./arguments.ts";
import { usageFailure } from "./failure.ts";

const KEY_BYTES = 32;

const args = {
  action: { type: "positional", description: "create" },
  tenant: { type: "string", required: true, valueHint: "name", description: "Whose operations and entities these are" },
  scope: {
    type: "string",
    required: true,
    valueHint: "scope",
    description: "<flow>:<type>, <flow>:*, operations:*, read or admin; may be given several times",
  },
  json: { type: "boolean", description: "Print one JSON object" },
} as const;

export const keys = defineCommand({
  meta: { name: "keys", description: "Create an API key; the service keeps its hash, and nobody keeps the key" },
  args,
  async run({ args: { action, tenant, json }, rawArgs }): Promise<number> {
    if (action !== "create") throw usageFailure(`Keys can be created, not ${JSON.stringify(action)}`);
    const scopes = new Set(valuesOf(rawArgs, args, "scope"));
    const faults = [...tenantFaults(tenant), ...scopeFaults(scopes, flows)];
    if (faults.length > 0) throw usageFailure(`The key ${faults.join("; ")}`);
    const key = `tg_${randomBytes(KEY_BYTES).toString("base64url")}`;
    const entry = formatKeyEntry(hashOf("sha256", key, "base64url"), { tenant, scopes });
    if (json === true) {
      process.stdout.write(`${JSON.stringify({ key, entry, tenant, scopes: [...scopes] })}\n`);
      return 0;
    }
    // Lines of an environment file: one for the clients, one for the service.
    process.stdout.write(`TIDEGATE_API_KEY=${key}\nAPI_KEYS=${entry}\n`);
    process.stderr.write("The key is shown only now. API_KEYS takes several entries, separated by commas\n");
    return 0;
  },
});
