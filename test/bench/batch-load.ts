// Load from a process of its own: batches of operations as JSON Lines. Prints one JSON line.
// Usage: batch-load.ts URL DATA COUNT
import { BATCH, IN_FLIGHT } from "./kafka-records.ts";
import { readOperations } from "./operations.ts";
import { rawRequest, sendAll } from "./requests.ts";

const [url = "", data = "", count = "0"] = process.argv.slice(2);
const TYPE = "application/x-ndjson";

const lines = readOperations(data, Number(count)).map(({ flow, data: of }) =>
  JSON.stringify({ flow, type: "create", data: of }),
);
const bodies: string[] = [];
for (let i = 0; bodies.length * BATCH < Number(count); i += BATCH) {
  bodies.push(Array.from({ length: BATCH }, (_, k) => lines[(i + k) % lines.length]!).join("\n"));
}
const requests = bodies.map((body) => rawRequest(url, "POST /v1/operations", body, TYPE));
await assertQueued(bodies[0]!);
const options = { url, requests, clients: IN_FLIGHT, status: 200 };
await sendAll({ ...options, total: 40 });
const load = await sendAll({ ...options, total: requests.length });
if (load.failed > 0) throw new Error(`${load.failed} requests failed`);
console.log(JSON.stringify({ rate: load.rate * BATCH }));

/** A batch is a 200 whatever became of its items: all of them have to be on their way through Kafka. */
async function assertQueued(body: string): Promise<void> {
  const response = await fetch(`${url}/v1/operations`, { method: "POST", headers: { "content-type": TYPE }, body });
  const items = (await response.text()).trim().split("\n");
  const other = items.find((item) => JSON.parse(item).path !== "kafka");
  if (items.length !== BATCH || other !== undefined) throw new Error(`Not everything went through Kafka: ${other}`);
}
