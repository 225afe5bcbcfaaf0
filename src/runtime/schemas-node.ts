// The schema registry of a configuration, and the look at it that a start takes.
import { confluentRegistry } from "../adapters/schema-registry/confluent.ts";
import type { Write } from "../app/log.ts";
import { checkSchemas, isAtOdds, pushSchemas, type SubjectReport } from "../app/schemas.ts";
import { type Config, ConfigError } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { Flow } from "../flows/define.ts";
import type { SchemaRegistry } from "../ports/schema-registry.ts";

/** The configured registry, or undefined; nothing is opened before the first call. */
export function openRegistry(config: Config): SchemaRegistry | undefined {
  const { SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_USER: user, SCHEMA_REGISTRY_PASSWORD: password } = config;
  if (url === undefined) return undefined;
  return confluentRegistry({
    url,
    fetch,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
  });
}

/**
 * Compares the schemas of these flows with the configured registry, and registers what is missing when the configuration
 * says so. A registry that does not answer holds nobody up: that is logged. Throws ConfigError when the registry does not
 * allow a schema of ours, because others would not be able to read what we write.
 */
export async function checkSchemasAtStart(config: Config, flows: readonly Flow[], write: Write): Promise<void> {
  const registry = openRegistry(config);
  if (registry === undefined) return;
  let reports: SubjectReport[];
  try {
    reports = await (config.pushesSchemas ? pushSchemas : checkSchemas)(flows, registry);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    write("warning", "The schemas were not compared", { error: error.message });
    return;
  }
  const odds = reports.filter(isAtOdds);
  if (odds.length > 0) throw new ConfigError(odds.map((report) => `SCHEMA_REGISTRY_URL: ${oddsOf(report)}`));
  const missing = reports.filter(({ standing }) => standing.status !== "registered").map(({ subject }) => subject);
  if (missing.length > 0) {
    write("warning", 'Schemas are not registered: "tidegate schemas push" does it', { subjects: missing.join(", ") });
  }
}

function oddsOf({ subject, standing }: SubjectReport): string {
  const reasons = "reasons" in standing && standing.reasons.length > 0 ? ` (${standing.reasons.join("; ")})` : "";
  const what = standing.status === "refused" ? "the registry refuses" : "the registry's newest schema does not allow";
  return `${what} this release's schema of ${subject}${reasons}; see "tidegate schemas check"`;
}
