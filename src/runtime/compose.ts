// The composition root that every runtime shares: from a configuration and what the platform offers to a service.

import { withBreaker } from "../adapters/broker/breaker.ts";
import { withCoalescing } from "../adapters/broker/coalescing.ts";
import { withDeadline } from "../adapters/broker/deadline.ts";
import { createAccept } from "../app/accept.ts";
import { type Canary, createCanary } from "../app/canary.ts";
import { check } from "../app/check.ts";
import type { TickBudget } from "../app/consume.ts";
import { dump } from "../app/dump.ts";
import { createEngine } from "../app/engine.ts";
import { withGroupCommit } from "../app/group-commit.ts";
import { createHealth } from "../app/health.ts";
import { createIntake } from "../app/intake.ts";
import { createLag } from "../app/lag.ts";
import { createLog, type Write } from "../app/log.ts";
import { type Meters, timedAccept, timedEngine, timedTick } from "../app/meters.ts";
import { createMetrics } from "../app/metrics.ts";
import { neighbourhood } from "../app/neighbourhood.ts";
import { createDeadLetters } from "../app/parked.ts";
import { createPrepare, type Prepare } from "../app/prepare.ts";
import { createQueries } from "../app/queries.ts";
import { createReads } from "../app/reads.ts";
import { createReceive } from "../app/receive.ts";
import { createReport } from "../app/report.ts";
import { ALONE, createSharing, type Sharing } from "../app/sharing.ts";
import { createTick, type Tick } from "../app/tick.ts";
import { tracedBroker } from "../app/traced-broker.ts";
import { surroundings } from "../app/visible.ts";
import { createVitals, type Vitals } from "../app/vitals.ts";
import type { Config } from "../config.ts";
import { configureFlows, topicsOf } from "../flows/configure.ts";
import { takesSome, topicsTaken } from "../flows/consumption.ts";
import type { Flow } from "../flows/define.ts";
import { flows as defined, modelOf } from "../flows/index.ts";
import { createKeyring } from "../http/auth.ts";
import type { Service } from "../http/service.ts";
import type { Broker } from "../ports/broker.ts";
import type { Clock, Delay, Entropy } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { TextModel } from "../ports/text-model.ts";
import type { Webhooks } from "../ports/webhook.ts";
import { createMemory, type Memory } from "./memory.ts";

/** What a platform brings. */
export interface Platform {
  readonly version: string;
  readonly broker: Broker;
  /** See HealthDeps; the embedded log has nothing to find. */
  readonly diagnose?: () => Promise<string | null>;
  readonly database: Database;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly write: Write;
  readonly delay: Delay;
  readonly textModel: TextModel;
  readonly webhooks: Webhooks;
  /** Reads the log into an empty database: nothing is called out, and no query is asked again. */
  readonly rebuilding?: boolean;
  /** Names a consumer that lives long and shares partitions with its like; undefined reads all of them. */
  readonly consumerName?: string;
  /** Flows other than the product's. */
  readonly flows?: readonly Flow[];
  /** Whether an attempt at prepared work may begin that nobody waits for, where what it takes is counted. */
  readonly mayAttempt?: () => boolean;
  /** Told when a flow's backlog is found empty, or no longer is. */
  readonly onDrained?: (flow: string, isDrained: boolean) => void;
  /** What earlier compositions of this process have found; nothing unless given. */
  readonly memory?: Memory;
}

/** A composed service. */
export interface Composed {
  readonly service: Service;
  readonly tick: Tick;
  readonly budget: TickBudget;
  readonly vitals: Vitals;
  readonly prepare: Prepare;
  readonly canary: Canary;
  readonly meters: Meters;
  readonly sharing: Sharing;
}

/** Bytes of records that are produced together at most; well below what proxies take in a request. */
const COALESCE_BYTES_MAX = 1_048_576;

/** Transactions of a tick under way together on Neo4j: while it writes one, the next is decided here. */
const NEO4J_LANES = 3;

/** When a canary is late where no age is an alarm. */
const CANARY_LATE_MS = 300_000;

export function compose(
  config: Config,
  { version, broker: proxy, database, entropy, clock, write, delay, textModel, webhooks, ...platform }: Platform,
): Composed {
  const { onDrained, rebuilding = false, consumerName } = platform;
  const log = createLog(write);
  // Deadline and breaker are those of a single operation, whatever it shares its request with: none waits twice, and a broker
  // that does not answer holds up as many as were on their way, and no more than the breaker's threshold beside them.
  const bounded = withDeadline(coalesced(proxy, config), { readMs: config.KAFKA_READ_DEADLINE_MS });
  const flows = configureFlows(platform.flows ?? defined, config);
  const model = modelOf(flows);
  const memory = platform.memory ?? createMemory(config, { flows, clock, entropy });
  const { stampClock, meters } = memory;
  const breaking = withBreaker(bounded, memory.breaker);
  const broker = tracedBroker(breaking);
  const vitals = createVitals({ clock, database, log, onDrained }, memory.clock);
  const stopwatch = (): number => performance.now();
  const alone = timedEngine(createEngine({ flows, model, database, entropy, rebuilding }), meters, stopwatch);
  // Files commit within the call: there is nothing to share.
  const engine = config.neo4j === undefined ? alone : withGroupCommit(alone, delay);
  const intake = createIntake({ flows, clock, stampClock, entropy });
  const consumed = flows.filter(({ name }) => takesSome(config.consume, name));
  const receive = createReceive({ flows, clock, stampClock, entropy, rebuilding });
  const queries = createQueries({ flows, model, database });
  const prepare = createPrepare({
    flows,
    takes: consumed.map(({ name }) => name),
    flowsOn: config.flowsOn,
    database,
    engine,
    graph: surroundings({ model, database }),
    textModel,
    webhooks,
    entropy,
    stampClock,
    clock,
    delay,
    random: Math.random,
    log,
    atOnce: config.PREPARE_AT_ONCE,
    attemptsMax: config.PREPARE_ATTEMPTS,
    mayAttempt: () => vitals.isPunctual() && (platform.mayAttempt?.() ?? true),
  });
  const acceptDeps = {
    intake,
    engine,
    model,
    broker,
    database,
    vitals,
    log,
    flowsOn: config.flowsOn,
    prepare,
    queries,
    delay,
  };
  const accept = timedAccept(createAccept(acceptDeps), meters, stopwatch);
  const sharing =
    consumerName === undefined
      ? ALONE
      : createSharing({ database, clock, name: consumerName, flows: config.consume, keepMs: config.CONSUMER_KEEP_MS });
  const tick = timedTick(
    createTick({
      flows: consumed,
      topics: topicsTaken(config.consume, consumed),
      model,
      broker,
      database,
      engine,
      receive,
      entropy,
      clock,
      vitals,
      log,
      sharing,
      random: Math.random,
      prepare: rebuilding ? undefined : prepare,
      // Below the breaker, as looking is: what dashboards are told must not open it.
      report: rebuilding ? undefined : createReport({ flows, broker: bounded, database, clock, log }),
      allFlows: flows,
      retention: { ledgerMs: config.LEDGER_RETENTION_MS, keysMs: config.KEYS_RETENTION_MS },
    }),
    meters,
    stopwatch,
  );
  const lateMs = config.UNAPPLIED_AGE_MS_MAX || CANARY_LATE_MS;
  const canary = createCanary({ flowsOn: config.flowsOn, accept, database, clock, log, lateMs });
  const lag = createLag({ flows, broker: bounded, database, entropy, clock }, memory.lag);
  const breakerState = (): string => breaking.state();
  const budget: TickBudget = {
    recordsMax: config.tick.records,
    bytesMax: config.tick.bytes,
    waitMs: config.TICK_WAIT_MS,
    ...(config.neo4j === undefined ? {} : { lanes: NEO4J_LANES }),
  };
  const service: Service = {
    name: "tidegate",
    version,
    flows,
    accept,
    reads: createReads({
      flows,
      model,
      database,
      entropy,
      queries,
      clock,
      delay,
      ledgerMs: config.LEDGER_RETENTION_MS,
    }),
    queries,
    neighbourhood: (of) => neighbourhood({ flows, model, database }, of),
    clock,
    delay,
    deadLetters: createDeadLetters({ flows, database, accept, receive, clock }),
    check: () => check({ flows, broker, database }),
    dump: (registers) => dump(model, database, registers),
    tick: () => tick({ ...budget, waitMs: 0 }),
    health: createHealth({
      broker,
      database,
      clock,
      vitals,
      topics: topicsOf(flows),
      flowsOn: config.flowsOn,
      breakerState,
      lag,
      canary,
      diagnose: platform.diagnose ?? (async () => null),
      unappliedMsMax: config.UNAPPLIED_AGE_MS_MAX,
    }),
    metrics: createMetrics({ version, flows, database, clock, lag, vitals, meters, breakerState, canary, delay }),
    log,
    limits: {
      bodyBytesMax: config.BODY_BYTES_MAX,
      batchBytesMax: config.BATCH_BYTES_MAX,
      batchItemsMax: config.BATCH_ITEMS_MAX,
    },
    accepts: config.ROLE !== "consumer",
    keyring: config.keys === undefined ? undefined : createKeyring(config.keys, (text) => entropy.hash(text)),
    corsOrigins: config.CORS_ORIGINS,
  };
  return { service, tick, budget, vitals, prepare, meters, canary, sharing };
}

function coalesced(proxy: Broker, config: Config): Broker {
  const { KAFKA_COALESCE_RECORDS, KAFKA_COALESCE_MS, KAFKA_PRODUCE_DEADLINE_MS, KAFKA_READ_DEADLINE_MS } = config;
  if (KAFKA_COALESCE_RECORDS === 1) {
    return withDeadline(proxy, { produceMs: KAFKA_PRODUCE_DEADLINE_MS, readMs: KAFKA_READ_DEADLINE_MS });
  }
  return withCoalescing(proxy, {
    recordsMax: KAFKA_COALESCE_RECORDS,
    bytesMax: COALESCE_BYTES_MAX,
    lingerMs: KAFKA_COALESCE_MS,
    deadlineMs: KAFKA_PRODUCE_DEADLINE_MS,
  });
}
