// The load of producing through a gateway: the same batches as REST requests, in base64, or as the JSON that clients of proxies
// send. Prints one JSON line. Usage: gateway-producer.ts URL TOPIC DATA COUNT [binary|json]
import { BATCH, type BenchRecord, IN_FLIGHT, readBatches } from "./kafka-records.ts";
import { rawRequest, sendAll } from "./requests.ts";

const [url = "", topic = "", data = "", count = "0", format = "binary"] = process.argv.slice(2);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const recordOf = ({ key, value }: BenchRecord) =>
  format === "json" ? { key, value: JSON.parse(value) } : { key: base64(key), value: base64(value) };
const requests = readBatches(data, Number(count)).map((batch) => {
  const body = JSON.stringify({ records: batch.map(recordOf) });
  return rawRequest(url, `POST /topics/${topic}`, body, `application/vnd.kafka.${format}.v2+json`);
});
const options = { url, requests, clients: IN_FLIGHT, status: 200 };
await sendAll({ ...options, total: 40 });
const load = await sendAll({ ...options, total: requests.length });
if (load.failed > 0) throw new Error(`${load.failed} requests failed`);
console.log(JSON.stringify({ rate: load.rate * BATCH }));
