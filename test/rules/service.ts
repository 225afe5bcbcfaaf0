// One service for the tests of the rules: operations with chosen stamps, every way into the graph, and what came of it.
import { afterAll, onTestFinished } from "vitest";
import type { Result } from "../../src/app/decision.ts";
import type { Json } from "../../src/domain/json.ts";
import type { Operation } from "../../src/domain/operation.ts";
import type { EntityState } from "../../src/domain/state.ts";
import { loadCore, macOf, OWN_SOURCES } from "../property/core.ts";
import { rest } from "../property/travel.ts";
import { createWorld, dumpOf, type World, type WorldOptions } from "../property/world.ts";

export const core = await loadCore(OWN_SOURCES);
afterAll(() => {
  for (const sql of core.idle) sql.close();
});

type Data = { readonly [name: string]: Json };

/** What a rule's counter-example is written in. */
export interface Service extends World {
  /** Applies directly and answers what became of it. */
  apply(operation: Operation): Promise<Result>;
  /** Appends the operation's record as the service would write it, with members of the record changed or added. */
  log(operation: Operation, partition?: number, members?: { readonly [name: string]: Json | undefined }): void;
  /** Ticks until nothing is left to do. */
  rest(): Promise<void>;
  /** Client fields of an entity, without references; null when readers do not meet it. */
  fields(kind: string, id: string, tenant?: string): Promise<Data | null>;
  /** Live edges as `RELATION from -> to`. */
  edges(): Promise<string[]>;
  registers(): Promise<string[]>;
  state(kind: string, id: string, tenant?: string): Promise<EntityState>;
}

/** A service that is gone when the test is. */
export function createService(options: WorldOptions = {}): Service {
  const world = createWorld(core, { real: true, ...options });
  onTestFinished(() => world.close());
  const lines = async () => (await dumpOf(world, false)).map((line) => JSON.parse(line));
  return {
    ...world,
    async apply(operation) {
      const arrivals = [world.engine.arrival(operation, "direct")];
      const { results } = await world.engine.apply({ arrivals, advances: [], parked: [] });
      return results.get(operation.id)!;
    },
    log(operation, partition = 0, members = {}) {
      const record = core.operation.encodeRecord(operation, core.intake.operationMs(operation));
      world.broker.append(topicOf(operation), partition, JSON.stringify({ ...JSON.parse(record), ...members }));
    },
    rest: () => rest(world),
    async fields(kind, id, tenant = "a") {
      const key = core.key.entityKey(tenant, kind, id);
      return (await lines()).find(({ node }) => node === key)?.fields ?? null;
    },
    async edges() {
      const edges = (await lines()).filter(({ edge }) => edge !== undefined);
      return edges.map(({ edge, from, to }) => `${edge} ${from} -> ${to}`);
    },
    registers: () => dumpOf(world, true),
    async state(kind, id, tenant = "a") {
      const key = core.key.entityKey(tenant, kind, id);
      return (await world.database.entities([key])).get(key)!.state;
    },
  };
}

/** Runs `check` on a fresh service for each order of the operations, all of them applied directly. */
export async function inEveryOrder(
  operations: readonly Operation[],
  check: (service: Service) => Promise<void>,
): Promise<void> {
  for (const order of ordersOf(operations)) {
    const service = createService();
    for (const operation of order) await service.apply(operation);
    await service.rest();
    await check(service);
  }
}

function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, i) => ordersOf(items.toSpliced(i, 1)).map((others) => [first, ...others]));
}

let serial = 0;

/** An operation of ours with the stamp of millisecond `at`. Ids rise in the order of these calls. */
export function operation(
  flow: string,
  type: string,
  at: number,
  data: Data,
  { tenant = "a", id }: { tenant?: string; id?: string } = {},
): Operation {
  const minted = core.operationId.mintOperationId(1_000 + serial++, "0".repeat(11), tenant, macOf);
  const found = core.engine.findType(core.flows.flows, flow, type)!;
  return {
    id: id ?? minted,
    flow,
    type,
    version: found.type.version,
    tenant,
    stamp: core.stamp.formatStamp(at, 0, "0123456789abcdef"),
    partitionKey: found.flow.partitionBy(data) ?? "none",
    data,
  };
}

function topicOf({ flow }: Operation): string {
  return core.flows.flows.find(({ name }) => name === flow)!.topic;
}

export const message = { id: "m", session: "s", user: "u", content: "hi" };
export const memory = { id: "k", user: "u", content: "hi" };
