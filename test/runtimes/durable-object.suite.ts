// The contracts of database and broker over the SQLite of a Durable Object, run inside workerd.
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { restV2Broker } from "../../src/adapters/broker/rest-v2.ts";
import { createGateway } from "../../src/gateway/app.ts";
import { sqliteLog } from "../../src/gateway/sqlite-log.ts";
import { embeddedDatabase } from "../../src/runtime/cloudflare/embedded.ts";
import { LOG_MIGRATIONS } from "../../src/runtime/cloudflare/migrations.ts";
import { durableObjectSql } from "../../src/sql/durable-object.ts";
import { type BrokerUnderTest, brokerContract, EVERY_ABILITY } from "../contract/broker.ts";
import { type DatabaseUnderTest, databaseContract } from "../contract/database.ts";
import { inObject, NO_STORAGE } from "./in-object.ts";

async function makeDatabase(): Promise<DatabaseUnderTest> {
  const database = inObject(embeddedDatabase(NO_STORAGE), embeddedDatabase);
  return { database, open: undefined, [Symbol.asyncDispose]: () => database.close() };
}

const brokerOf = (fetch: (request: Request) => Response | Promise<Response>) =>
  restV2Broker({
    url: "http://gateway.test",
    cluster: "test",
    fetch: async (request) => fetch(request),
    read: "stateless",
  });

async function makeBroker(): Promise<BrokerUnderTest> {
  const make = async (storage: DurableObjectStorage) => {
    const log = sqliteLog(durableObjectSql(storage), LOG_MIGRATIONS, { name: "the object's storage", pollMs: 0 });
    await log.createTopic("orders", 3);
    await log.createTopic("quiet", 1);
    return brokerOf(createGateway(log).fetch);
  };
  return {
    broker: inObject(
      brokerOf(() => new Response()),
      make,
    ),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

databaseContract("SQLite of a Durable Object", makeDatabase);
brokerContract("rest-v2 on a gateway in a Durable Object", makeBroker, EVERY_ABILITY);
