// Every broker there is, held to the one contract.
import { withBreaker } from "../../src/adapters/broker/breaker.ts";
import { withCoalescing } from "../../src/adapters/broker/coalescing.ts";
import { withDeadline } from "../../src/adapters/broker/deadline.ts";
import type { Fetch } from "../../src/adapters/broker/proxy-call.ts";
import { restV2Broker } from "../../src/adapters/broker/rest-v2.ts";
import type { Broker } from "../../src/ports/broker.ts";
import { logBroker } from "../../src/runtime/log-broker.ts";
import { nodeFetch } from "../../src/runtime/node-fetch.ts";
import { faultyBroker } from "../support/faulty-broker.ts";
import { gatewayBundle, loopback, temporaryFolder } from "../support/gateway-bundle.ts";
import { type BrokerUnderTest, brokerContract, EVERY_ABILITY } from "./broker.ts";

const TOPICS = { orders: 3, quiet: 1 };
const DEADLINES = { produceMs: 10_000, readMs: 10_000 };

const inMemory = (decorate: (broker: Broker) => Broker) => async (): Promise<BrokerUnderTest> => {
  const bundle = await gatewayBundle({ topics: TOPICS });
  return { broker: decorate(bundle.broker), [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose]() };
};

async function onFile(): Promise<BrokerUnderTest> {
  const folder = temporaryFolder();
  const bundle = await gatewayBundle({ topics: TOPICS, path: folder.file("log.db") });
  return {
    broker: bundle.broker,
    async [Symbol.asyncDispose]() {
      await bundle[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** As the embedded default reaches it. */
async function inProcess(): Promise<BrokerUnderTest> {
  const bundle = await gatewayBundle({ topics: TOPICS });
  return {
    broker: logBroker(bundle.log, { cluster: "test", onError: () => undefined }),
    [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose](),
  };
}

const overHttp = (fetch: Fetch) => async (): Promise<BrokerUnderTest> => {
  const bundle = await gatewayBundle({ topics: TOPICS });
  const server = await loopback(bundle.app);
  return {
    broker: restV2Broker({ url: server.url, cluster: "test", fetch, read: "stateless" }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bundle[Symbol.asyncDispose]();
    },
  };
};

brokerContract(
  "rest-v2 on a gateway in memory",
  inMemory((broker) => broker),
  EVERY_ABILITY,
);
brokerContract("rest-v2 on a gateway on a file", onFile, EVERY_ABILITY);
brokerContract("the embedded log", inProcess, EVERY_ABILITY);
brokerContract("rest-v2 over HTTP by fetch", overHttp(fetch), EVERY_ABILITY);
brokerContract("rest-v2 over HTTP by node:http", overHttp(nodeFetch().fetch), EVERY_ABILITY);
brokerContract(
  "withDeadline",
  inMemory((broker) => withDeadline(broker, DEADLINES)),
  EVERY_ABILITY,
);
brokerContract(
  "withBreaker",
  inMemory((broker) => withBreaker(broker)),
  EVERY_ABILITY,
);
brokerContract("withCoalescing", inMemory(withCoalescing), EVERY_ABILITY);
brokerContract(
  "all decorators together",
  inMemory((broker) =>
    withBreaker(withDeadline(withCoalescing(broker, { deadlineMs: 10_000 }), { readMs: DEADLINES.readMs })),
  ),
  EVERY_ABILITY,
);
brokerContract(
  "a faulty broker without faults",
  inMemory((broker) => faultyBroker(broker, 1, {})),
  EVERY_ABILITY,
);
