// The composition root that every runtime shares: from a configuration and what the platform offers to a service.

import { withBreaker } from "../adapters/broker/breaker.ts";
import { withCoalescing } from "../adapters/broker/coalescing.ts";
import { withDeadline } from "../adapters/broker/deadline.ts";
import { createAccept } from "../app/accept.ts";
import { check } from "../app/check.ts";
import type { TickBudget } from "../app/consume.ts";
import { dump } from "../app/dump.ts";
import { createEngine } from "../app/engine.ts";
import { createHealth } from "../app/health.ts";
import { createIntake } from "../app/intake.ts";
import { createLog, type Write } from "../app/log.ts";
import { createReads } from "../app/reads.ts";
import { createReceive } from "../app/receive.ts";
import { createTick, type Tick } from "../app/tick.ts";
import { tracedBroker } from "../app/traced-broker.ts";
import { createVitals, type Vitals } from "../app/vitals.ts";
import type { Config } from "../config.ts";
import { createStampClock } from "../domain/stamp.ts";
import { flows, modelOf } from "../flows/index.ts";
import type { Service } from "../http/service.ts";
import type { Broker } from "../ports/broker.ts";
import type { Clock, Entropy } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";

/** What a platform brings. */
export interface Platform {
  readonly version: string;
  readonly broker: Broker;
  readonly database: Database;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly write: Write;
  /** Told when a flow's backlog is found empty, or no longer is. */
  readonly onDrained?: (flow: string, isDrained: boolean) => void;
}

/** A composed service. */
export interface Composed {
  readonly service: Service;
  readonly tick: Tick;
  readonly budget: TickBudget;
  readonly vitals: Vitals;
}

/** Bytes of records that are produced together at most; well below what proxies take in a request. */
const COALESCE_BYTES_MAX = 1_048_576;

export function compose(
  config: Config,
  { version, broker: proxy, database, entropy, clock, write, onDrained }: Platform,
): Composed {
  const log = createLog(write);
  const breaking = withBreaker(
    withDeadline(proxy, { produceMs: config.KAFKA_PRODUCE_DEADLINE_MS, readMs: config.KAFKA_READ_DEADLINE_MS }),
    { failuresMax: config.KAFKA_BREAKER_FAILURES, openMs: config.KAFKA_BREAKER_OPEN_MS },
  );
  const broker = tracedBroker(
    withCoalescing(breaking, {
      recordsMax: config.KAFKA_COALESCE_RECORDS,
      bytesMax: COALESCE_BYTES_MAX,
      lingerMs: config.KAFKA_COALESCE_MS,
    }),
  );
  const model = modelOf(flows);
  const stampClock = createStampClock(() => clock.nowMs(), entropy.hex(16));
  const vitals = createVitals({ clock, database, log, onDrained });
  const engine = createEngine({ flows, model, database, entropy });
  const intake = createIntake({ flows, clock, stampClock, entropy });
  const consumed = flows.filter(({ name }) => config.consume.includes(name));
  const receive = createReceive({ flows, clock, stampClock, entropy });
  const tick = createTick({
    flows: consumed,
    model,
    broker,
    database,
    engine,
    receive,
    clock,
    vitals,
    log,
    random: Math.random,
  });
  const budget = { recordsMax: config.TICK_RECORDS, bytesMax: config.TICK_BYTES, waitMs: config.TICK_WAIT_MS };
  const service: Service = {
    name: "tidegate",
    version,
    flows,
    accept: createAccept({ intake, engine, broker, database, vitals, log, flowsOn: config.flowsOn }),
    reads: createReads({ flows, model, database, entropy }),
    check: () => check({ flows, broker, database }),
    dump: (registers) => dump(model, database, registers),
    tick: () => tick({ ...budget, waitMs: 0 }),
    health: createHealth({
      broker,
      database,
      clock,
      vitals,
      topics: [...new Set(flows.map(({ topic }) => topic))],
      flowsOn: config.flowsOn,
      breakerState: () => breaking.state(),
    }),
    log,
    limits: {
      bodyBytesMax: config.BODY_BYTES_MAX,
      batchBytesMax: config.BATCH_BYTES_MAX,
      batchItemsMax: config.BATCH_ITEMS_MAX,
    },
    accepts: config.ROLE !== "consumer",
  };
  return { service, tick, budget, vitals };
}
