// The Upstash REST API on a real Kafka: a program written with `@upstash/kafka` alone produces to it and consumes from it.
import { upstashContract } from "../gateway/upstash.ts";
import { readKafka } from "../stack/read-stack.ts";
import { kafkaBundle } from "../support/kafka-bundle.ts";

const kafka = readKafka();

upstashContract("Kafka", (options) => kafkaBundle(kafka, { ...options, topics: { t: 2, u: 1 } }));
