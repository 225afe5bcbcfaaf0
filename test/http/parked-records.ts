// Records that are set aside, and how tests look at them.
import { expect } from "vitest";
import { positionKey, recordName } from "../../src/domain/accounting.ts";
import { mintOperationId } from "../../src/domain/operation-id.ts";
import { nodeEntropy } from "../../src/runtime/entropy-node.ts";
import { ID_SECRET, type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { append, record } from "./foreign-records.ts";

export const TOPIC = "memory-operations";
export const NEWER = { dataschema: "urn:tidegate:memory.create:2" };

let serial = 0;

/** A record of ours, as another release may have written it: its id carries our MAC. */
export function ours(id: string, more: object = {}) {
  const random = (serial++).toString(16).padStart(11, "0");
  const minted = mintOperationId(Date.now(), random, "default", nodeEntropy(ID_SECRET, undefined).macs[0]);
  const data = { id, user: "u", content: `content of ${id}` };
  return record({ id: minted, source: "/tidegate", tenant: "default", data, ...more });
}

/** What it should have been. */
export const mended = ({ dataschema: _, ...rest }: ReturnType<typeof ours> & { dataschema?: string }) => rest;

export async function parkedList(service: ServiceUnderTest, query = "") {
  const { status, body } = await service.get(`/v1/parked${query}`);
  expect(status).toBe(200);
  return body as unknown as { items: { record: string; reason: string; attempts: number }[]; next: string | null };
}

export const at = (offset: number): string => `/v1/parked/${TOPIC}/0/${offset}`;

/** The full name of a record of that partition. */
export async function nameOf({ gateway: { broker } }: ServiceUnderTest, offset: number): Promise<string> {
  const [topic] = await broker.topics([TOPIC]);
  const position = positionKey(broker.cluster, TOPIC, 0, topic!.generation);
  return recordName({ topic: TOPIC, partition: 0, offset }, position);
}

export const memoryOf = async (service: ServiceUnderTest) =>
  ((await service.get("/v1/check")).body.flows as { memory: Record<string, number> }).memory;

export async function dump(service: ServiceUnderTest): Promise<string> {
  return (await service.request("/v1/dump?registers=true")).text();
}

export async function expectClosed(service: ServiceUnderTest): Promise<void> {
  expect((await service.get("/v1/check")).body).toMatchObject({ closed: true });
}

/** A service with these records in the one partition of the topic, read to the end. */
export async function withRecords(options: ServiceOptions, ...values: Parameters<typeof append>[1][]) {
  const service = await startService({ partitions: 1, ...options });
  await append(service, ...values);
  await service.tickToRest();
  return service;
}
