// The floor of producing: a hand-written program over TCP with the same library, batches of 500, 4 in flight, acks=all.
// Prints one JSON line. Usage: tcp-producer.ts BROKER TOPIC DATA COUNT
import { ProduceAcks, Producer, stringSerializers } from "@platformatic/kafka";
import { measureBatches, readBatches } from "./kafka-records.ts";

const [broker = "", topic = "", data = "", count = "0"] = process.argv.slice(2);
const producer = new Producer({ clientId: "floor", bootstrapBrokers: [broker], serializers: stringSerializers });
const batches = readBatches(data, Number(count)).map((batch) => batch.map((record) => ({ topic, ...record })));
const send = async (messages: (typeof batches)[number]): Promise<void> => {
  await producer.send({ messages: messages.map((message) => ({ ...message })), acks: ProduceAcks.ALL });
};
// Both sides have met their topic, and the engine their code, before the clock starts.
for (const batch of batches.slice(0, 20)) await send(batch);
const rate = await measureBatches(batches, send);
await producer.close();
console.log(JSON.stringify({ rate }));
