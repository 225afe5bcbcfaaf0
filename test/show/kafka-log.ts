// What lies in a real Kafka, as a foreign client sees it: kcat, of Debian's package of that name.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** What the topics hold. */
export interface KafkaContent {
  readonly records: number;
  /** Distinct operation ids. */
  readonly ids: ReadonlySet<string>;
  /** Records whose value carries no trace context. */
  readonly untraced: number;
}

const READ_MS = 300_000;

/** Reads these topics from their beginnings to their ends. Throws where kcat is missing or fails. */
export async function readKafka(bootstrap: string, topics: readonly string[]): Promise<KafkaContent> {
  const ids = new Set<string>();
  let records = 0;
  let untraced = 0;
  for (const topic of topics) {
    const child = spawn("kcat", ["-b", bootstrap, "-C", "-e", "-q", "-t", topic, "-o", "beginning", "-f", "%s\n"], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: READ_MS,
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once("error", (cause) => reject(new Error("Cannot run kcat: install Debian's package kcat", { cause })));
      child.once("close", resolve);
    });
    // Records of ours are one line of JSON each.
    for await (const line of createInterface({ input: child.stdout! })) {
      const { id, traceparent } = JSON.parse(line) as { id: string; traceparent?: string };
      records++;
      ids.add(id);
      if (traceparent === undefined) untraced++;
    }
    const code = await ended;
    if (code !== 0) throw new Error(`kcat ended with ${code} on topic ${topic}`);
  }
  return { records, ids, untraced };
}
