// A broker whose produces and reads are spans.
import type { Broker, ProduceRecord } from "../ports/broker.ts";
import { spanSend } from "./tracing.ts";

/** Puts a `send <topic>` span around each produce whose request is recorded. */
export function tracedBroker(broker: Broker): Broker {
  return {
    ...broker,
    produce: (records, signal) =>
      spanSend(
        () => topicsOf(records),
        records.length,
        () => broker.produce(records, signal),
      ),
  };
}

function topicsOf(records: readonly ProduceRecord[]): string {
  return [...new Set(records.map(({ topic }) => topic))].join(",");
}
