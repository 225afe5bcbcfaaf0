// Base64 on both sides of the wire, with Node's Buffer and with what the web has.
import { afterEach, describe, expect, it, vi } from "vitest";

const CONTENTS = ["", "a", "ab", "abc", "naïve ☃ 𝄞", "\uFEFFbom", "a\0b", "x".repeat(50_000)];
const NOT_BASE64 = ["@@@", "a", "ab=", "=", "====", "YWJj!", "YW Jj", "YW Jj   "];

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe.each(["Node's Buffer", "what the web has"])("base64 with %s", (engine) => {
  const load = async () => {
    vi.resetModules();
    const expected = new Map(CONTENTS.map((content) => [content, Buffer.from(content).toString("base64")]));
    if (engine !== "Node's Buffer") vi.stubGlobal("Buffer", undefined);
    const [adapter, gateway] = await Promise.all([
      import("../../src/adapters/broker/base64.ts"),
      import("../../src/gateway/base64.ts"),
    ]);
    return { adapter, gateway, expected };
  };

  it("encodes and decodes every content, in the adapter and in the gateway", async () => {
    const { adapter, gateway, expected } = await load();
    for (const [content, base64] of expected) {
      expect(adapter.textToBase64(content)).toBe(base64);
      expect(gateway.encodeBase64(content)).toBe(base64);
      expect(gateway.toContent(gateway.decodeBase64(base64)!)).toBe(content);
      expect(new TextDecoder("utf-8", { ignoreBOM: true }).decode(adapter.base64ToBytes(base64))).toBe(content);
      expect(gateway.utf8Length(content)).toBe(new TextEncoder().encode(content).length);
    }
  });

  it.each(NOT_BASE64)("refuses %j", async (text) => {
    const { adapter, gateway } = await load();
    expect(gateway.decodeBase64(text)).toBeUndefined();
    expect(adapter.base64ToBytes(text)).toBeUndefined();
  });
});
