// The promises as properties over the SQLite of Durable Objects, run inside workerd.

import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { expect, inject, it } from "vitest";
import * as sqlite from "../../src/adapters/database/sqlite.ts";
import * as accept from "../../src/app/accept.ts";
import * as dump from "../../src/app/dump.ts";
import * as engine from "../../src/app/engine.ts";
import * as intake from "../../src/app/intake.ts";
import * as log from "../../src/app/log.ts";
import * as parked from "../../src/app/parked.ts";
import * as prepare from "../../src/app/prepare.ts";
import * as queries from "../../src/app/queries.ts";
import * as reads from "../../src/app/reads.ts";
import * as receive from "../../src/app/receive.ts";
import * as sweep from "../../src/app/sweep.ts";
import * as tick from "../../src/app/tick.ts";
import * as visible from "../../src/app/visible.ts";
import * as vitals from "../../src/app/vitals.ts";
import * as accounting from "../../src/domain/accounting.ts";
import * as errors from "../../src/domain/errors.ts";
import * as key from "../../src/domain/key.ts";
import * as operation from "../../src/domain/operation.ts";
import * as operationId from "../../src/domain/operation-id.ts";
import * as projection from "../../src/domain/projection.ts";
import * as stamp from "../../src/domain/stamp.ts";
import * as state from "../../src/domain/state.ts";
import * as flows from "../../src/flows/index.ts";
import { GRAPH_MIGRATIONS } from "../../src/runtime/cloudflare/migrations.ts";
import { durableObjectSql } from "../../src/sql/durable-object.ts";
import type { Core } from "../property/core.ts";
import { PROPERTIES, runProperties } from "../property/run-properties.ts";
import { type OpenStore, sqliteBooks } from "../property/store.ts";
import { inObject, NO_STORAGE } from "./in-object.ts";

const RUNS = 50;
const seed = inject("propertySeed");
/** Far more than a case takes, however busy the machine. */
const TIMEOUT_MS = 600_000;

const modules = {
  sqlite,
  accept,
  dump,
  engine,
  intake,
  log,
  parked,
  prepare,
  queries,
  reads,
  receive,
  sweep,
  tick,
  visible,
  vitals,
  accounting,
  errors,
  key,
  operationId,
  operation,
  projection,
  stamp,
  state,
  flows,
};

type Part = ReturnType<typeof openPart>;

/** A database in an object of its own, with its clock and the looks beside the port. */
function openPart() {
  const clock = { nowMs: (): number => 0 };
  const over = (storage: DurableObjectStorage) => {
    const sql = durableObjectSql(storage);
    const name = "the property's object";
    const options = {
      open: () => sql,
      migrations: GRAPH_MIGRATIONS,
      model: flows.model,
      name,
      nowMs: () => clock.nowMs(),
    };
    return { ...sqlite.sqliteDatabase(options), ...sqliteBooks(sql) };
  };
  return { clock, part: inObject(over(NO_STORAGE), over) };
}

/** Objects that a world has done with. */
const idle: Part[] = [];

const openStore: OpenStore = (_, nowMs) => {
  const opened = idle.pop() ?? openPart();
  opened.clock.nowMs = nowMs;
  const { forgetLedger, ledger, answers, empty, ...database } = opened.part;
  return {
    ...{ database, forgetLedger, ledger, answers },
    async release() {
      await empty();
      idle.push(opened);
    },
  };
};

const core: Core = { ...modules, sql: {} as Core["sql"], migrations: GRAPH_MIGRATIONS, idle: [], openStore };

console.log(`properties in Durable Objects: seed ${seed}, ${RUNS} cases of each`);

it.each(PROPERTIES.map(({ number, name }) => [number, name] as const))(
  "property %i: %s",
  { timeout: TIMEOUT_MS },
  async (number) => {
    const [outcome] = await runProperties({ src: core, properties: [number], runs: RUNS, seed, shrink: true });
    expect(outcome?.report).toBe("");
  },
);

declare module "vitest" {
  interface ProvidedContext {
    propertySeed: number;
  }
}
