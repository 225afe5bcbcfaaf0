// The Kafka log, held to the contract of logs.
import { logContract } from "../gateway/log-contract.ts";
import { readKafka } from "../stack/read-stack.ts";
import { kafkaBundle } from "../support/kafka-bundle.ts";

const kafka = readKafka();

logContract("Kafka", () => kafkaBundle(kafka, { topics: { t: 3, u: 1 } }));
