// The floor of reading: a hand-written program over TCP with the same library, that reads many partitions by fetches without
// a session, and turns what comes into base64 and JSON. Prints one JSON line.
// Usage: tcp-reader.ts BROKER TOPICS(comma) PARTITIONS BYTES ROUNDS
import { Admin, Connection, fetchV17, listOffsetsV9 } from "@platformatic/kafka";
import { IN_FLIGHT } from "./kafka-records.ts";

const [broker = "", names = "", partitionCount = "0", bytes = "0", rounds = "1"] = process.argv.slice(2);
const admin = new Admin({ clientId: "floor", bootstrapBrokers: [broker] });
const topics = names.split(",");
const metadata = await admin.metadata({ topics });
await admin.close();
const [host = "", port = ""] = broker.split(":");
const bytesMax = Number(bytes);

interface Place {
  readonly topic: string;
  readonly id: string;
  readonly partition: number;
  next: number;
  end: number;
}

let records = 0;
let characters = 0;

/** Reads its partitions to their ends, over a connection of its own. */
async function readAll(places: readonly Place[]): Promise<void> {
  const connection = new Connection("floor");
  await connection.connect(host, Number(port));
  for (const place of places) {
    const partitions = [{ partitionIndex: place.partition, currentLeaderEpoch: -1, timestamp: -1n }];
    const answer = await listOffsetsV9.api.async(connection, -1, 0, [{ name: place.topic, partitions }]);
    place.end = Number(answer.topics[0]!.partitions[0]!.offset);
  }
  for (let turn = 0; ; turn++) {
    const open = places.filter(({ next, end }) => next < end);
    if (open.length === 0) break;
    const inTurn = [...open.slice(turn % open.length), ...open.slice(0, turn % open.length)];
    const share = Math.max(Math.floor(bytesMax / open.length), 131_072);
    const asked = [...Map.groupBy(inTurn, ({ id }) => id)].map(([topicId, each]) => ({
      topicId,
      partitions: each.map(({ partition, next }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(next),
        lastFetchedEpoch: -1,
        partitionMaxBytes: share,
      })),
    }));
    const { responses } = await fetchV17.api.async(connection, 0, 1, bytesMax, 0, 0, -1, asked, [], "");
    const partitions = responses.flatMap(({ topicId, partitions: each }) =>
      each.map(({ partitionIndex, records: batches }) => {
        const place = places.find(({ id, partition }) => id === topicId && partition === partitionIndex)!;
        const read = (batches ?? []).flatMap(({ firstOffset, firstTimestamp, records: list }) =>
          list
            .map(({ offsetDelta, timestampDelta, key, value }) => ({
              offset: Number(firstOffset) + offsetDelta,
              key: key?.toString("base64") ?? null,
              value: value?.toString("base64") ?? null,
              timestamp: Number(firstTimestamp + timestampDelta),
            }))
            .filter(({ offset }) => offset >= place.next),
        );
        place.next = (read.at(-1)?.offset ?? place.next - 1) + 1;
        records += read.length;
        return { topic: place.topic, partition: partitionIndex, records: read };
      }),
    );
    characters += JSON.stringify({ partitions }).length;
  }
  await connection.close();
}

const placesOf = (reader: number): Place[] =>
  topics
    .flatMap((topic) =>
      Array.from({ length: Number(partitionCount) }, (_, partition): Place => {
        return { topic, id: metadata.topics.get(topic)!.id, partition, next: 0, end: 0 };
      }),
    )
    .filter((_, i) => i % IN_FLIGHT === reader);

const readOnce = () => Promise.all(Array.from({ length: IN_FLIGHT }, (_, reader) => readAll(placesOf(reader))));
await readOnce();
records = 0;
const began = performance.now();
for (let round = 0; round < Number(rounds); round++) await readOnce();
console.log(JSON.stringify({ rate: records / ((performance.now() - began) / 1_000), records, characters }));
