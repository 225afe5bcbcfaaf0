// Variables of a Worker: `[vars]` of wrangler.toml takes more than texts, and none of it may be dropped in silence.
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config.ts";
import { type Bindings, workerConfig } from "../../src/runtime/cloudflare/bindings.ts";

const configOf = (given: Record<string, unknown>) =>
  workerConfig({ TIDEGATE: {} as NonNullable<Bindings["TIDEGATE"]>, ID_SECRET: "a secret of the tests", ...given });

describe("variables of a Worker", () => {
  it("may be numbers", () => expect(configOf({ TICK_RECORDS: 10_000 }).tick.records).toBe(10_000));

  it("may be booleans, switches of flows among them", () => {
    expect([...configOf({ ENABLE_KAFKA: false }).flowsOn]).toEqual([]);
    expect([...configOf({ ENABLE_KAFKA: false, USE_KAFKA: true }).flowsOn]).toEqual(["events"]);
    expect(configOf({ KAFKA_SESSION_OPERATIONS: false }).flowsOn).not.toContain("session");
  });

  it("may be tables", () => {
    const hooks = { mail: { url: "https://mail.example/hook", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } };
    expect(JSON.parse(configOf({ WEBHOOKS: hooks }).WEBHOOKS!)).toEqual(hooks);
  });

  it("that are null are unset", () => expect(configOf({ TICK_RECORDS: null }).tick.records).toBe(1_000));

  it("are refused by name where they make no sense", () => {
    expect(() => configOf({ TICK_RECORDS: true, CORS_ORIGINS: ["https://app.example"] })).toThrow(ConfigError);
    expect(() => configOf({ TICK_RECORDS: true })).toThrow(/TICK_RECORDS must be a whole number/);
    expect(() => configOf({ CORS_ORIGINS: ["https://app.example"] })).toThrow(/CORS_ORIGINS must be/);
  });

  it.each([
    ["KAFKA_TLS_CERT", "client.pem"],
    ["KAFKA_TLS_KEY", "client.key"],
    ["KAFKA_TLS_CA", "ca.pem"],
    ["SCHEMA_REGISTRY_URL", "https://registry.example"],
    ["CANARY", true],
  ])("are refused where a Worker could not do what %s asks for", (name, value) => {
    expect(() => configOf({ [name]: value })).toThrow(new RegExp(`${name} must be unset on Workers: `));
    expect(() => configOf({ [name]: name === "CANARY" ? "false" : "" })).not.toThrow();
  });

  it("are nothing else that is bound: its members are left alone", () => {
    const binding = {
      toJSON: () => {
        throw new Error("somebody looked");
      },
    };
    expect(configOf({ MY_SERVICE: binding, ASSETS: binding }).tick.records).toBe(1_000);
  });
});
