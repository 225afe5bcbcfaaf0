// The broker's contract through the REST v2 adapter and the gateway to a real Kafka.
import { restV2Broker } from "../../src/adapters/broker/rest-v2.ts";
import { nodeFetch } from "../../src/runtime/node-fetch.ts";
import { type BrokerUnderTest, brokerContract, EVERY_ABILITY } from "../contract/broker.ts";
import { readKafka } from "../stack/read-stack.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { kafkaBundle } from "../support/kafka-bundle.ts";

const TOPICS = { orders: 3, quiet: 1 };
const ALL = EVERY_ABILITY;
const kafka = readKafka();

async function overHttp(): Promise<BrokerUnderTest> {
  const bundle = await kafkaBundle(kafka, { topics: TOPICS });
  const server = await loopback(bundle.app);
  return {
    broker: restV2Broker({ url: server.url, cluster: "test", fetch: nodeFetch().fetch, read: "stateless" }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bundle[Symbol.asyncDispose]();
    },
  };
}

brokerContract("rest-v2 on a gateway on Kafka", () => kafkaBundle(kafka, { topics: TOPICS }), ALL);
brokerContract("rest-v2 over HTTP on a gateway on Kafka", overHttp, ALL);
