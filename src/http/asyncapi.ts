// The AsyncAPI 3.1 document: a channel per topic, and the record of every operation type as a message.
import { type Flow, kindOfType, type OperationType } from "../flows/define.ts";
import { type Components, type JsonSchema, refTo } from "../flows/json-schema.ts";
import { type RecordKind, recordKinds, recordSchema } from "../flows/record-schema.ts";
import type { Service } from "./service.ts";

const KAFKA_BINDING = "0.5.0";

/** Describes the topics of a service and the records in them, those that it makes itself included. */
export function asyncApiDocument({ version, flows }: Pick<Service, "version" | "flows">) {
  const schemas: Components = {};
  const messages: { [name: string]: JsonSchema } = {};
  const channels: { [topic: string]: JsonSchema } = {};
  const operations: { [name: string]: JsonSchema } = {};
  for (const message of flows.flatMap(recordKinds)) {
    schemas[message.name] = recordSchema(message, schemas);
    messages[message.name] = describeMessage(message);
  }
  for (const { topic, held } of flows.flatMap((flow) =>
    flow.topics.map((topic) => ({ topic, held: recordKinds(flow) })),
  )) {
    const within = held.map((message) => ({ $ref: `#/channels/${topic}/messages/${message.name}` }));
    channels[topic] = {
      address: topic,
      title: topic,
      messages: Object.fromEntries(
        held.map((message) => [message.name, { $ref: `#/components/messages/${message.name}` }]),
      ),
      bindings: { kafka: { topic, bindingVersion: KAFKA_BINDING } },
    };
    const channel = { $ref: `#/channels/${topic}` };
    operations[`send.${topic}`] = {
      action: "send",
      channel,
      messages: within,
      summary: "The service writes what clients ask for, and later what it carried out while Kafka was away.",
    };
    operations[`receive.${topic}`] = {
      action: "receive",
      channel,
      messages: within,
      summary: "The service carries out every record once, from positions of its own.",
    };
  }
  return {
    asyncapi: "3.1.0",
    info: {
      title: "Tidegate",
      version,
      description:
        "Records are structured CloudEvents 1.0 JSON values. A record may be met twice; it has its effect once.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    defaultContentType: "application/cloudevents+json",
    channels,
    operations,
    components: { messages, schemas },
  };
}

function describeMessage({ name, flow, type }: RecordKind): JsonSchema {
  return {
    name: `tidegate.${name}`,
    title: name,
    summary: summaryOf(flow, type),
    contentType: "application/cloudevents+json",
    payload: refTo(name),
    bindings: {
      kafka: {
        key: { type: "string", description: "The record's partitionkey: records of one key keep their order." },
        bindingVersion: KAFKA_BINDING,
      },
    },
  };
}

function summaryOf(flow: Flow, type: OperationType): string {
  const kind = kindOfType(flow, type);
  if (type.verdict !== undefined) return "Made by the service itself: what a person decided about a parked record.";
  const made = type.internal === true ? "Made by the service itself. " : "";
  return `${made}An operation of the flow ${flow.name} ${kind === null ? "that only asks" : `about one ${kind.name}`}.`;
}
