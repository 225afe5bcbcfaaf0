// Where the real parts are, for tests and benchmarks.
import { isRunning } from "./part-process.ts";
import { type PartName, type PartState, readState } from "./state.ts";

/** The real parts of this checkout's stack. Reading one that does not run throws with what to do. */
export interface Stack {
  /** `host:port` of Kafka. */
  readonly kafka: string;
  readonly neo4j: { readonly bolt: string; readonly http: string; readonly user: string; readonly password: string };
  /** Confluent API of the schema registry; undefined where it could not be started. */
  readonly registry: string | undefined;
}

const ADVICE = '"npm run stack -- --detach" starts the real parts, "npm run stack:stop" ends them';

/** The running stack. Throws with what to do when there is none. */
export function readStack(): Stack {
  const state = readState();
  if (state === undefined) throw new Error(`No stack runs here: ${ADVICE}`);
  const { registry } = state.parts;
  const addressesOf = (name: PartName): PartState["addresses"] => {
    // Anew each time: a part that was started again has another process.
    const part = readState()?.parts[name];
    if (part === undefined || !isRunning(part)) throw new Error(`The stack runs without ${name}: ${ADVICE}`);
    return part.addresses;
  };
  return {
    get kafka() {
      return addressesOf("kafka").bootstrap!;
    },
    get neo4j() {
      const { bolt, http } = addressesOf("neo4j");
      return { bolt: bolt!, http: http!, user: "neo4j", password: state.neo4jPassword };
    },
    registry: registry !== undefined && isRunning(registry) ? registry.addresses.url : undefined,
  };
}

/** `host:port` of a running Kafka. Throws with what to do when there is none. */
export function readKafka(): string {
  return readStack().kafka;
}
