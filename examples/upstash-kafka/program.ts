// A program as it was written for Upstash Kafka, with nothing but `@upstash/kafka`. Only the address is another one.
import process from "node:process";
import { Kafka } from "@upstash/kafka";

const kafka = new Kafka({
  url: process.env.UPSTASH_KAFKA_REST_URL ?? "http://127.0.0.1:8082/upstash",
  username: process.env.UPSTASH_KAFKA_REST_USERNAME ?? "anybody",
  password: process.env.UPSTASH_KAFKA_REST_PASSWORD ?? "anything",
});
const topic = process.argv[2] ?? "greetings";

const producer = kafka.producer();
const { partition, offset } = await producer.produce(topic, { hello: "world" }, { key: "greeting" });
console.log(`produced to partition ${partition} at offset ${offset}`);
await producer.produceMany([
  { topic, value: "how are you?", headers: [{ key: "tone", value: "friendly" }] },
  { topic, value: "bye" },
]);

const consumer = kafka.consumer();
const me = { consumerGroupId: "example", instanceId: "one" };
let left = 3;
while (left > 0) {
  const messages = await consumer.consume({ ...me, topics: [topic], autoOffsetReset: "earliest", autoCommit: false });
  for (const message of messages) console.log(`consumed ${message.value}`);
  left -= messages.length;
  if (messages.length > 0) await consumer.commit(me);
}
