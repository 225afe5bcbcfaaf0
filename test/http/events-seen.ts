// An event, and how tests find it in the graph.
import type { ServiceUnderTest } from "../support/service.ts";

export const STRUCTURED = { "content-type": "application/cloudevents+json; charset=utf-8" };
export const EVENT = { specversion: "1.0", id: "e1", source: "/shop", type: "order.placed", data: { total: 3 } };

export const dumpLine = async (service: ServiceUnderTest, key: string) => {
  const text = await (await service.request("/v1/dump")).text();
  const found = text.split("\n").find((line) => line.includes(`"node":"default/Event/${key}"`));
  return found === undefined ? undefined : JSON.parse(found).fields;
};
