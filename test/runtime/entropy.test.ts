import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { nodeEntropy } from "../../src/runtime/entropy-node.ts";

describe("nodeEntropy()", () => {
  it.each(["a secret of some length", "x".repeat(64), "longer than a block: ".repeat(9)])(
    "keys its MACs by a block of the secret before the text, whatever comes after what (%s)",
    (secret) => {
      const mac = nodeEntropy(secret, undefined).macs[0];
      for (const text of [
        "default/0193af2c",
        "",
        "é".repeat(700),
        "short",
        "\u{1f600}".repeat(3_000),
        "default/0193af2c",
      ]) {
        const block = createHash("sha256").update(secret).digest("hex");
        const whole = createHash("sha256").update(block).update(text).digest("hex");
        for (const digits of [8, 11, 32]) expect(mac(text, digits)).toBe(whole.slice(0, digits));
      }
    },
  );

  it("honours the secret before", () => {
    const [now, earlier] = nodeEntropy("the secret of today", "the secret of before").macs;
    expect(earlier?.("id", 32)).toBe(nodeEntropy("the secret of before", undefined).macs[0]("id", 32));
    expect(earlier?.("id", 32)).not.toBe(now("id", 32));
  });
});
