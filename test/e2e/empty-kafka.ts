// A Kafka with the topics of the flows and nothing in them.
import { Admin } from "@platformatic/kafka";
import { topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { waitFor } from "../support/tidegate-process.ts";

const ASK_MS = 10_000;
const GONE_MS = 30_000;
const PARTITIONS = 3;

/** Deletes every topic but Kafka's own, and makes those of the flows anew. */
export async function emptyKafka(bootstrap: string): Promise<void> {
  const admin = new Admin({ clientId: "e2e", bootstrapBrokers: [bootstrap], requestTimeout: ASK_MS, retries: 2 });
  try {
    const old = await admin.listTopics({ includeInternals: false });
    if (old.length > 0) await admin.deleteTopics({ topics: old });
    // A name is taken until its topic is gone for good.
    await waitFor("old topics to be gone", GONE_MS, async () => {
      const there = await admin.listTopics({ includeInternals: false });
      return there.every((topic) => !old.includes(topic));
    });
    try {
      await admin.createTopics({ topics: topicsOf(flows), partitions: PARTITIONS, replicas: 1 });
    } catch (error) {
      // The client asks again when a busy Kafka is late, and then meets what it made itself.
      if (!isThere(error)) throw error;
    }
  } finally {
    await admin.close();
  }
}

function isThere(error: unknown): boolean {
  const { apiId, errors = [] } = error as { apiId?: string; errors?: unknown[] };
  return errors.length > 0 ? errors.every(isThere) : apiId === "TOPIC_ALREADY_EXISTS";
}
