// Records as consumer instances of the v2 dialect answer them, in the format that the instance was made with.
import { toBytes } from "../base64.ts";
import type { Content } from "../log.ts";
import type { Format } from "../media-type.ts";
import { base64OrNull, headerEntries } from "../read-request.ts";
import { RestError } from "../rest-error.ts";
import type { Delivered } from "./consumer.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The entry of one record as JSON. Throws RestError `poison` when it is not of the format, or nested so deeply that it
 * cannot be written again.
 */
export function recordEntry({ topic, partition, record }: Delivered, format: Format): string {
  const { offset, timestampMs, headers } = record;
  const part = (name: "key" | "value"): string => {
    const content = record[name];
    if (format === "binary") return JSON.stringify(base64OrNull(content));
    try {
      return content === null ? "null" : JSON.stringify(JSON.parse(textOf(content)));
    } catch {
      const place = `${topic}/${partition} at offset ${offset}`;
      throw new RestError(
        "poison",
        `${name} deserialization error for format json: the record of ${place} is not JSON`,
      );
    }
  };
  const rest = { partition, offset, timestamp: timestampMs };
  const last = JSON.stringify(headers.length === 0 ? rest : { ...rest, headers: headerEntries(headers) });
  return `{"topic":${JSON.stringify(topic)},"key":${part("key")},"value":${part("value")},${last.slice(1)}`;
}

function textOf(content: Content): string {
  return typeof content === "string" ? content : decoder.decode(toBytes(content));
}
