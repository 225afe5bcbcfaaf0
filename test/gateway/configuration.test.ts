// What the gateway alone is configured with, and who it lets in.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gatewayVariables, parseGatewayConfig } from "../../src/config/gateway.ts";
import { ConfigError } from "../../src/config.ts";
import { parseBrokers } from "../../src/gateway/kafka/options.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";

const PASSWORD = "a-long-enough-password";
const LOOPBACK = "127.0.0.1";

function problemsOf(env: Readonly<Record<string, string>>, host = LOOPBACK, brokers?: string): readonly string[] {
  try {
    parseGatewayConfig(env, host, brokers);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

describe("the gateway's configuration", () => {
  it("takes Kafka from the option before the environment, with SASL and TLS from the environment", () => {
    const env = {
      KAFKA_BROKERS: "other:9092",
      KAFKA_SASL_MECHANISM: "scram-sha-512",
      KAFKA_SASL_USERNAME: "gateway",
      KAFKA_SASL_PASSWORD: "secret",
      KAFKA_TLS: "true",
      KAFKA_TLS_CA_FILE: "ca.pem",
    };
    expect(parseGatewayConfig(env, LOOPBACK, "one:9092").kafka).toEqual({
      brokers: "one:9092",
      sasl: { mechanism: "SCRAM-SHA-512", username: "gateway", password: "secret" },
      tls: { caFile: "ca.pem" },
    });
    expect(parseGatewayConfig(env, LOOPBACK, undefined).kafka!.brokers).toBe("other:9092");
    expect(parseGatewayConfig({}, LOOPBACK, undefined).kafka).toBeUndefined();
  });

  it.each([
    [
      { KAFKA_SASL_MECHANISM: "gssapi", KAFKA_SASL_USERNAME: "a", KAFKA_SASL_PASSWORD: "b" },
      /KAFKA_SASL_MECHANISM must be plain/,
    ],
    [{ KAFKA_SASL_MECHANISM: "plain", KAFKA_SASL_USERNAME: "a" }, /KAFKA_SASL_PASSWORD must be set/],
    [{ KAFKA_SASL_PASSWORD: "a" }, /KAFKA_SASL_MECHANISM must be set/],
    [{ KAFKA_TLS: "true", KAFKA_TLS_CERT_FILE: "c.pem" }, /belong together/],
    [{ KAFKA_TLS_CA_FILE: "c.pem" }, /KAFKA_TLS must be true/],
    [{ KAFKA_TLS: "maybe" }, /KAFKA_TLS must be/],
    [{ GATEWAY_USERS: "ann" }, /GATEWAY_USERS must be name:password/],
    [{ GATEWAY_USERS: "ann:short" }, /GATEWAY_USERS must be name:password/],
    [{ GATEWAY_TOKENS: "short" }, /GATEWAY_TOKENS must have/],
    [{ GATEWAY_TOKENS: PASSWORD, AUTH: "none" }, /contradict/],
  ])("says what is wrong with %o, and no secret", (env, message) => {
    const problems = problemsOf(env, LOOPBACK, "host:9092");
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(problems[0]).not.toContain(PASSWORD);
  });

  it("refuses to listen beyond loopback without credentials unless AUTH=none says so", () => {
    expect(problemsOf({}, "0.0.0.0")).toEqual([expect.stringMatching(/beyond loopback/)]);
    expect(problemsOf({ AUTH: "none" }, "0.0.0.0")).toEqual([]);
    expect(problemsOf({ GATEWAY_TOKENS: PASSWORD }, "0.0.0.0")).toEqual([]);
    expect(problemsOf({}, "::1")).toEqual([]);
  });

  it("reads brokers, and nothing that is none", () => {
    expect(parseBrokers("a:1, b ,[::1]:9093")).toEqual([
      { host: "a", port: 1 },
      { host: "b", port: 9092 },
      { host: "::1", port: 9093 },
    ]);
    for (const text of ["", "a:b", "a:0", "a:70000", "http://a:9092", "a b", "a:9092,", "user@a"]) {
      expect(parseBrokers(text), text).toBeUndefined();
    }
  });

  it("is documented", () => {
    const text = readFileSync(new URL("../../docs/gateway.md", import.meta.url), "utf8");
    for (const [name, schema] of Object.entries(gatewayVariables)) {
      expect(text).toContain(`| \`${name}\` | ${schema.description} |`);
    }
  });
});

describe("credentials", () => {
  const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });

  it.each([
    ["nothing", {}, 401],
    ["a wrong password", basic("ann:wrong"), 401],
    ["a password as token", { authorization: `Bearer ${PASSWORD}` }, 401],
    ["what is not base64", { authorization: "Basic %%%" }, 401],
    ["another scheme", { authorization: `Digest ${PASSWORD}` }, 401],
    ["a user", basic(`ann:${PASSWORD}`), 200],
    ["a user whose password has colons", basic("bob:with:colons:and:more"), 200],
    ["a token", { authorization: "bearer token-token-token" }, 200],
  ])("%s is answered as it should be", async (_, headers, status) => {
    const users = [`ann:${PASSWORD}`, "bob:with:colons:and:more"];
    await using bundle = await gatewayBundle({ credentials: { users, tokens: ["token-token-token"] } });
    const response = await bundle.app.request("/topics", { headers });
    expect(response.status).toBe(status);
    if (status === 401) {
      expect(response.headers.get("www-authenticate")).toMatch(/^Basic/);
      expect(await response.json()).toMatchObject({ error_code: 40101 });
      const post = await bundle.app.request("/topics/t", { method: "POST", headers, body: "{}" });
      expect(post.status).toBe(401);
    }
    expect((await bundle.app.request("/health")).status).toBe(200);
  });
});
