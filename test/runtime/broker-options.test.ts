// What a dialect is told of the configuration.
import { expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { flows } from "../../src/flows/index.ts";
import { dialectOptions } from "../../src/runtime/broker-options.ts";

test("a dialect knows the read's deadline, of which it gives each partition a part", () => {
  const config = parseConfig(
    { KAFKA_URL: "http://proxy.test?dialect=confluent", KAFKA_READ_DEADLINE_MS: "4000" },
    flows,
  );
  expect(dialectOptions(config, config.kafka!, fetch).readMs).toBe(4_000);
});
