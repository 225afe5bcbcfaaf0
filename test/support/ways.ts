// The three paths of an operation, each as a service on which every flow takes it.
import type { Broker, ProduceResult } from "../../src/ports/broker.ts";
import type { ServiceOptions } from "./service.ts";

/** A broker that takes no record and answers everything else. */
export function refusingProduce(
  result: Exclude<ProduceResult, { status: "ok" }> = { status: "retryable", reason: "connection refused" },
): (broker: Broker) => Broker {
  return (broker) => ({ ...broker, produce: async (records) => records.map(() => result) });
}

const KAFKA: ServiceOptions = { env: { USE_KAFKA: "true" } };
const DIRECT: ServiceOptions = { env: { ENABLE_KAFKA: "false" } };
const FALLBACK: ServiceOptions = { ...KAFKA, broker: refusingProduce() };

/** A path, the options of a service that takes it, and the status of its answers. */
export const WAYS = [
  { path: "kafka", options: KAFKA, status: 202 },
  { path: "direct", options: DIRECT, status: 200 },
  { path: "fallback", options: FALLBACK, status: 200 },
] as const;
