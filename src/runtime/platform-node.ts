// What Node, Deno and Bun bring to a composed service: files in a folder, or what the configuration names instead.
import type { Write } from "../app/log.ts";
import type { Config } from "../config.ts";
import { configureFlows } from "../flows/configure.ts";
import type { Flow } from "../flows/define.ts";
import type { Service } from "../http/service.ts";
import { SchemaError } from "../sql/sql.ts";
import { nodeAssets } from "./assets-node.ts";
import { type OpenBroker, openBroker } from "./broker-node.ts";
import type { Platform } from "./compose.ts";
import { openConfigured } from "./database-node.ts";
import { makeFolder, readSecret } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { outsideNode } from "./outside-node.ts";
import { checkSchemasAtStart } from "./schemas-node.ts";
import { VERSION } from "./version.ts";

/** A platform that holds things open. */
export interface OpenPlatform extends Platform {
  readonly asset?: NonNullable<Service["asset"]>;
  /** Lets go of everything; nothing of it is used any more. */
  close(): Promise<void>;
}

/** The platform of Node, Deno and Bun, which has files. */
type NodePlatform = OpenPlatform & Required<Pick<OpenPlatform, "asset">>;

/**
 * Opens the platform. Throws ConfigError, also for a schema registry that is at odds with our records, or SchemaError for
 * embedded files that are not ours or newer; Kafka, the database and the registry may be down.
 */
export async function openNodePlatform(config: Config, flows: readonly Flow[], write: Write): Promise<NodePlatform> {
  makeFolder(config.DATA_DIR);
  const clock = { nowMs: () => Date.now() };
  const outside = outsideNode(config, clock, write);
  const entropy = nodeEntropy(readSecret(config), config.ID_SECRET_PREVIOUS);
  const database = openConfigured(config, { keys: true, flows });
  const held = [() => database.close()];
  const letGo = async (): Promise<void> => {
    for (const close of held.splice(0).reverse()) await close();
  };
  const open = async (): Promise<Pick<OpenBroker, "broker" | "diagnose">> => {
    for (const touch of [() => database.nowMs(), () => database.reserveKeys([])]) {
      await touch().catch((error) => {
        if (error instanceof SchemaError) throw error;
        write("error", "The database cannot be reached; starting without it", { error: String(error) });
      });
    }
    const failed = (message: string, error: unknown): void => write("error", message, { error: String(error) });
    const { broker, diagnose, close } = await openBroker(config, failed, flows);
    held.push(close);
    await checkSchemasAtStart(config, configureFlows(flows, config), write);
    return { broker, diagnose };
  };
  const opened = await open().catch(async (error) => {
    await letGo();
    throw error;
  });
  return {
    version: VERSION,
    flows,
    ...opened,
    database,
    entropy,
    clock,
    write,
    ...outside,
    asset: nodeAssets(),
    close: letGo,
  };
}
