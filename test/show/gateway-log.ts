// What lies in a gateway's log, read over its HTTP API.

/** Records of a log, and the distinct operation ids in them. */
export interface LogContent {
  readonly records: number;
  readonly ids: ReadonlySet<string>;
}

interface PartitionRead {
  readonly end_offset: number;
  readonly records: readonly { readonly offset: number; readonly value: string | null }[];
}

const BYTES_MAX = 8 * 1024 * 1024;
const RECORDS_MAX = 5_000;
const TIMEOUT_MS = 60_000;
/** Of the operation: the first member but one of a record's text. */
const RECORD_ID = /"id":"([^"]+)"/;

/** Reads every record of every topic. */
export async function readLog(url: string): Promise<LogContent> {
  const ids = new Set<string>();
  let records = 0;
  for (const topic of await getJson<string[]>(`${url}/topics`)) {
    for (const { partition } of await getJson<{ partition: number }[]>(`${url}/topics/${topic}/partitions`)) {
      for (let offset = 0, end = 1; offset < end; ) {
        const read = await readPartition(url, { topic, partition, offset });
        for (const { value } of read.records) {
          const id = value === null ? null : RECORD_ID.exec(Buffer.from(value, "base64").toString("utf8"));
          if (id !== null) ids.add(id[1]!);
        }
        records += read.records.length;
        end = read.end_offset;
        offset = read.records.length === 0 ? end : read.records.at(-1)!.offset + 1;
      }
    }
  }
  return { records, ids };
}

async function readPartition(
  url: string,
  from: { topic: string; partition: number; offset: number },
): Promise<PartitionRead> {
  const response = await fetch(`${url}/partitions/records`, {
    method: "POST",
    headers: { "content-type": "application/vnd.kafka.v2+json", accept: "application/vnd.kafka.binary.v2+json" },
    body: JSON.stringify({ partitions: [from], timeout: 0, max_bytes: BYTES_MAX, max_records: RECORDS_MAX }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The gateway answered ${response.status}: ${await response.text()}`);
  const { partitions } = (await response.json()) as { partitions: PartitionRead[] };
  return partitions[0]!;
}

async function getJson<Body>(url: string): Promise<Body> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Body;
}
