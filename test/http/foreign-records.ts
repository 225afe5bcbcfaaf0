// Records put into the log past the service, and what every bad one has to leave behind.
import { expect } from "vitest";
import { formatStamp } from "../../src/domain/stamp.ts";
import type { ServiceUnderTest } from "../support/service.ts";

const TOPIC = "memory-operations";
const NODE = "0123456789abcdef";
export const NOW = () => formatStamp(Date.now() - 1_000, 0, NODE);
export const YEAR_3000 = formatStamp(Date.UTC(3000, 0), 0, NODE);

/** A memory's create, as a foreign producer writes it. */
export const record = (more: object = {}) => ({
  specversion: "1.0",
  id: "foreign-1",
  source: "/elsewhere",
  type: "tidegate.memory.create",
  stamp: NOW(),
  data: { id: "k", user: "u", content: "c" },
  ...more,
});

/** Puts values into the one partition of the topic, past the service, as bytes. */
export async function append(service: ServiceUnderTest, ...values: (string | Uint8Array | object | null)[]) {
  const bytes = (value: string | Uint8Array | object) =>
    Buffer.from(value instanceof Uint8Array ? value : typeof value === "string" ? value : JSON.stringify(value));
  const response = await service.gateway.app.request(`/topics/${TOPIC}`, {
    method: "POST",
    headers: { "content-type": "application/vnd.kafka.binary.v2+json" },
    body: JSON.stringify({
      records: values.map((value) => ({
        value: value === null ? null : bytes(value).toString("base64"),
        partition: 0,
      })),
    }),
  });
  const { offsets } = (await response.json()) as { offsets: { offset: number | null }[] };
  expect(offsets.map(({ offset }) => offset)).not.toContain(null);
}

export const parkedIn = (service: ServiceUnderTest) =>
  service
    .sql()
    .all<{ offset: number; reason: string; detail: string; bytes: string | null; flow: string | null }>(
      'SELECT "offset", reason, detail, bytes, flow FROM parked ORDER BY "offset"',
    );

/** What is at the end of every test: the record after the bad ones was applied, and nothing is left over. */
export async function expectGoneOn(service: ServiceUnderTest) {
  await append(service, record({ id: "the-last", data: { id: "last", user: "u", content: "after all that" } }));
  const reports = await service.tickToRest();
  expect(reports.at(-1)).toMatchObject({ failures: [], more: false });
  expect(await (await service.request("/v1/dump")).text()).toContain("after all that");
  const { body } = await service.get("/v1/check");
  expect(body).toMatchObject({ closed: true, atRest: true });
  expect(service.lines.filter(({ message }) => message === "Record parked")).toHaveLength(parkedIn(service).length);
}
