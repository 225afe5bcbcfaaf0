// The text that `.env.example` must have: every variable of the configuration, in order, with its default and what it
// is for. `node test/support/env-example.ts --write` writes it.
import { writeFileSync } from "node:fs";
import { variables } from "../../src/config/variables.ts";
import type { Flow } from "../../src/flows/define.ts";
import { flows } from "../../src/flows/index.ts";

export const ENV_EXAMPLE = new URL("../../.env.example", import.meta.url);

const HEAD = `# Copy this file to .env and take the # away from what you change: every value here is the default.
# Unset and empty are the same. Switches take true, false, 1, 0, on and off.
`;

export function envExample(): string {
  const entries: [name: string, about: string, value: string][] = [];
  for (const [name, schema] of Object.entries(variables)) {
    entries.push([name, schema.description ?? "", String(schema.parse(undefined) ?? "")]);
    if (name === "ENABLE_KAFKA") entries.push(...flows.map(switchEntry));
  }
  return HEAD + entries.map(([name, about, value]) => `\n# ${about}\n#${name}=${value}\n`).join("");
}

function switchEntry({ name, switch: { variable, followsGlobal } }: Flow): [string, string, string] {
  if (followsGlobal) return [variable, `Kafka for ${name}; unset follows ENABLE_KAFKA`, ""];
  return [variable, `Kafka for ${name}, whatever ENABLE_KAFKA says`, "false"];
}

if (import.meta.main && process.argv[2] === "--write") writeFileSync(ENV_EXAMPLE, envExample());
