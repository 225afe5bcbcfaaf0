// Every broker there is, held to the one contract.
import { withBreaker } from "../../src/adapters/broker/breaker.ts";
import { withCoalescing } from "../../src/adapters/broker/coalescing.ts";
import { withDeadline } from "../../src/adapters/broker/deadline.ts";
import { restV2Broker } from "../../src/adapters/broker/rest-v2.ts";
import type { Broker } from "../../src/ports/broker.ts";
import { faultyBroker } from "../support/faulty-broker.ts";
import { gatewayBundle, loopback, temporaryFolder } from "../support/gateway-bundle.ts";
import { type BrokerUnderTest, brokerContract } from "./broker.ts";

const TOPICS = { orders: 3, quiet: 1 };
const ALL = { wakes: true, generations: true, cancels: true };
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

async function overHttp(): Promise<BrokerUnderTest> {
  const bundle = await gatewayBundle({ topics: TOPICS });
  const server = await loopback(bundle.app);
  return {
    broker: restV2Broker({ url: server.url, cluster: "test", fetch, read: "stateless" }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bundle[Symbol.asyncDispose]();
    },
  };
}

brokerContract(
  "rest-v2 on a gateway in memory",
  inMemory((broker) => broker),
  ALL,
);
brokerContract("rest-v2 on a gateway on a file", onFile, ALL);
brokerContract("rest-v2 over HTTP", overHttp, ALL);
brokerContract(
  "withDeadline",
  inMemory((broker) => withDeadline(broker, DEADLINES)),
  ALL,
);
brokerContract("withBreaker", inMemory(withBreaker), ALL);
brokerContract("withCoalescing", inMemory(withCoalescing), ALL);
brokerContract(
  "all decorators together",
  inMemory((broker) => withCoalescing(withBreaker(withDeadline(broker, DEADLINES)))),
  ALL,
);
brokerContract(
  "a faulty broker without faults",
  inMemory((broker) => faultyBroker(broker, 1, {})),
  ALL,
);
