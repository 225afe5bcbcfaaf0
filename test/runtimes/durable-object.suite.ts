// The contracts of database and broker over the SQLite of a Durable Object, run inside workerd.
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { asAppError } from "../../src/domain/errors.ts";
import { flows } from "../../src/flows/index.ts";
import type { Log } from "../../src/gateway/log.ts";
import { sqliteLog } from "../../src/gateway/sqlite-log.ts";
import { embeddedDatabase, embeddedLog } from "../../src/runtime/cloudflare/embedded.ts";
import { LOG_MIGRATIONS } from "../../src/runtime/cloudflare/migrations.ts";
import { logBroker } from "../../src/runtime/log-broker.ts";
import { durableObjectSql } from "../../src/sql/durable-object.ts";
import { type BrokerUnderTest, brokerContract, EVERY_ABILITY } from "../contract/broker.ts";
import { type DatabaseUnderTest, databaseContract } from "../contract/database.ts";
import { save, write } from "../contract/database-writes.ts";
import { inObject, NO_STORAGE } from "./in-object.ts";

async function makeDatabase(): Promise<DatabaseUnderTest> {
  const database = inObject(embeddedDatabase(NO_STORAGE), embeddedDatabase);
  return { database, open: undefined, [Symbol.asyncDispose]: () => database.close() };
}

const OPTIONS = { cluster: "test", onError: () => undefined };

async function makeBroker(): Promise<BrokerUnderTest> {
  const make = async (storage: DurableObjectStorage) => {
    const log = sqliteLog(durableObjectSql(storage), LOG_MIGRATIONS, { name: "the object's storage", pollMs: 0 });
    await log.createTopic("orders", 3);
    await log.createTopic("quiet", 1);
    return logBroker(log, OPTIONS);
  };
  return {
    broker: inObject(logBroker({} as Log, OPTIONS), make),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

databaseContract("SQLite of a Durable Object", makeDatabase);
brokerContract("the embedded log in a Durable Object", makeBroker, EVERY_ABILITY);

it("a Durable Object's database says of a row that is too big for it that it can never be stored", async () => {
  await using bundle = await makeDatabase();
  const big = save("a/Memory/1", { content: "x".repeat(9_000_000) });
  const error = await write(bundle.database, { entities: [big] }).catch((thrown: unknown) => thrown);
  expect(asAppError(error).code).toBe("internal");
});

it("a Durable Object's log forgets what is past its time", async () => {
  const config = parseConfig({ ID_SECRET: "a secret of the tests", KAFKA_RETENTION_MS: "1" }, flows);
  const make = async (storage: DurableObjectStorage) => {
    const { broker, trim } = await embeddedLog(config, storage, () => undefined);
    return { produce: broker.produce, read: broker.read, trim };
  };
  const { produce, read, trim } = inObject(
    { ...logBroker({} as Log, OPTIONS), trim: async () => undefined },
    make as never,
  );
  const [result] = await produce([{ topic: "memory-operations", key: "k", value: "past" }]);
  if (result?.status !== "ok") throw new Error("The record was not taken");
  const from = [{ topic: "memory-operations", partition: result.partition!, offset: 0 }];
  const begin = async () => (await read(from, { waitMs: 0, recordsMax: 10, bytesMax: 1_000 }))[0]!.begin;
  expect(await begin()).toBe(0);
  for (let i = 0; i < 1_000 && (await begin()) === 0; i++) await trim();
  expect(await begin()).toBe(1);
});
