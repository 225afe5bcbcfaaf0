// All consumer instances of a gateway: bounded in number, and gone when nobody uses them.
import type { Log } from "../log.ts";
import type { GatewayLimits } from "../options.ts";
import { RestError } from "../rest-error.ts";
import { type Consumer, type ConsumerOptions, createConsumer } from "./consumer.ts";
import { createGroup, type Group } from "./group.ts";

export interface Registry {
  /** Makes an instance. Throws RestError `consumer_exists`, or `too_many`. */
  create(group: string, options: ConsumerOptions): Consumer;
  find(group: string, name: string): Consumer | undefined;
  /** Ends an instance; what it delivered is committed first when it commits by itself. False when there is none. */
  remove(group: string, name: string): Promise<boolean>;
  groups(): Group[];
}

/** Looks for idle instances this many times within the time they may be idle. */
const LOOKS = 10;

export function createRegistry(log: Log, limits: GatewayLimits): Registry {
  const groups = new Map<string, Group>();
  let count = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const drop = (group: Group, name: string): void => {
    if (group.consumers.delete(name)) count--;
    if (group.consumers.size === 0) groups.delete(group.name);
  };
  const sweep = (): void => {
    timer = undefined;
    const oldestMs = performance.now() - limits.consumerIdleMs;
    for (const group of [...groups.values()]) {
      for (const [name, consumer] of group.consumers) if (consumer.lastUsedMs < oldestMs) drop(group, name);
    }
    arm();
  };
  const arm = (): void => {
    if (timer !== undefined || count === 0) return;
    timer = setTimeout(sweep, limits.consumerIdleMs / LOOKS);
    // Idle instances are no reason for a process to stay.
    (timer as { unref?: () => void }).unref?.();
  };

  return {
    create(groupName, options) {
      if (groups.get(groupName)?.consumers.has(options.name)) {
        throw new RestError("consumer_exists", `Consumer ${options.name} already exists`);
      }
      if (count >= limits.consumersMax) {
        throw new RestError("too_many", `The gateway has ${count} consumer instances and takes no more`);
      }
      const group = groups.get(groupName) ?? createGroup(log, groupName);
      groups.set(groupName, group);
      const consumer = createConsumer(log, group, options);
      group.consumers.set(options.name, consumer);
      count++;
      arm();
      return consumer;
    },
    find(groupName, name) {
      const consumer = groups.get(groupName)?.consumers.get(name);
      if (consumer !== undefined) consumer.lastUsedMs = performance.now();
      return consumer;
    },
    async remove(groupName, name) {
      const group = groups.get(groupName);
      const consumer = group?.consumers.get(name);
      if (group === undefined || consumer === undefined) return false;
      drop(group, name);
      if (consumer.options.autoCommitMs !== undefined) await consumer.commit();
      return true;
    },
    groups: () => [...groups.values()],
  };
}
