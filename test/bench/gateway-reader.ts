// The load of reading many partitions through a gateway, by readers that share them, 4 at a time. Prints one JSON line.
// Usage: gateway-reader.ts URL TOPICS(comma) PARTITIONS BYTES ROUNDS

import { connect, type Socket } from "node:net";
import { IN_FLIGHT } from "./kafka-records.ts";
import { rawRequest } from "./requests.ts";

const [url = "", names = "", partitionCount = "0", bytes = "0", rounds = "1"] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const RECORDS_MAX = 10_000;

interface Place {
  readonly topic: string;
  readonly partition: number;
  offset: number;
  end: number;
}

let records = 0;

async function readAll(places: readonly Place[]): Promise<void> {
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  socket.on("error", (error) => {
    throw error;
  });
  for (;;) {
    const open = places.filter(({ offset, end }) => offset < end);
    if (open.length === 0) break;
    const partitions = open.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
    const body = JSON.stringify({ partitions, max_bytes: Number(bytes), max_records: RECORDS_MAX, timeout: 0 });
    advance(open, await exchange(socket, rawRequest(url, "POST /partitions/records", body)));
  }
  socket.destroy();
}

/** Reads on where each partition's last record was. The answer is looked at, not parsed: this is the load, not the measure. */
function advance(open: readonly Place[], answer: Buffer): void {
  let at = 0;
  for (const place of open) {
    const head = answer.indexOf('"beginning_offset":', at, "latin1");
    at = answer.indexOf('"records":[', head, "latin1");
    if (head < 0 || at < 0) throw new Error(`not a read: ${answer.toString("latin1", 0, 300)}`);
    const [, end = ""] = /"end_offset":(\d+)/.exec(answer.toString("latin1", head, at))!;
    place.end = Number(end);
    const next = answer.indexOf('{"topic":', at, "latin1");
    const last = answer.lastIndexOf('{"offset":', next < 0 ? answer.length : next, "latin1");
    if (last > at) {
      const offset = Number(/\d+/.exec(answer.toString("latin1", last, last + 40))![0]);
      records += offset + 1 - place.offset;
      place.offset = offset + 1;
    }
  }
}

function exchange(socket: Socket, request: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let wanted = Number.POSITIVE_INFINITY;
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (wanted === Number.POSITIVE_INFINITY) {
        const head = Buffer.concat(chunks).toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end >= 0) wanted = end + 4 + Number(/content-length: (\d+)/i.exec(head)![1]);
      }
      if (length < wanted) return;
      socket.off("data", onData);
      resolve(Buffer.concat(chunks));
    };
    socket.on("data", onData);
    socket.write(request);
  });
}

const placesOf = (reader: number): Place[] =>
  names
    .split(",")
    .flatMap((topic) =>
      Array.from(
        { length: Number(partitionCount) },
        (_, partition): Place => ({ topic, partition, offset: 0, end: 1 }),
      ),
    )
    .filter((_, i) => i % IN_FLIGHT === reader);

const readOnce = () => Promise.all(Array.from({ length: IN_FLIGHT }, (_, reader) => readAll(placesOf(reader))));
await readOnce();
records = 0;
const began = performance.now();
for (let round = 0; round < Number(rounds); round++) await readOnce();
console.log(JSON.stringify({ rate: records / ((performance.now() - began) / 1_000), records }));
