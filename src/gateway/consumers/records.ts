// Records as consumer instances of the v2 dialect answer them, in the format that the instance was made with.
import { toBytes } from "../base64.ts";
import type { Content } from "../log.ts";
import type { Format } from "../media-type.ts";
import { base64OrNull, headerEntries } from "../read-request.ts";
import { RestError } from "../rest-error.ts";
import type { Delivered } from "./consumer.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The entry of one record. Throws RestError `poison` when it is not of the format. */
export function recordEntry({ topic, partition, record }: Delivered, format: Format): object {
  const { offset, timestampMs, headers } = record;
  const part = (name: "key" | "value"): unknown => {
    const content = record[name];
    if (format === "binary") return base64OrNull(content);
    try {
      return content === null ? null : JSON.parse(textOf(content));
    } catch {
      const place = `${topic}/${partition} at offset ${offset}`;
      throw new RestError(
        "poison",
        `${name} deserialization error for format json: the record of ${place} is not JSON`,
      );
    }
  };
  const entry = { topic, key: part("key"), value: part("value"), partition, offset, timestamp: timestampMs };
  return headers.length === 0 ? entry : { ...entry, headers: headerEntries(headers) };
}

function textOf(content: Content): string {
  return typeof content === "string" ? content : decoder.decode(toBytes(content));
}
