// Consumer instances on a real Kafka.
import { consumerContract } from "../gateway/consumers.ts";
import { readKafka } from "../stack/read-stack.ts";
import { kafkaBundle } from "../support/kafka-bundle.ts";

const kafka = readKafka();

consumerContract("Kafka", (options) => kafkaBundle(kafka, { ...options, topics: { t: 2, u: 1 } }));
