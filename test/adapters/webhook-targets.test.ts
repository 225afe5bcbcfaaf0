// What the configuration of webhooks may be, and that its problems give nothing away.
import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { isSecret, parseTargets } from "../../src/adapters/webhook/targets.ts";
import { SECRET } from "../support/webhook-receiver.ts";

const HOOK = { url: "https://hooks.example.com/a?token=t0k3n", secret: SECRET };
const problemsOf = (value: unknown, allowInsecure = false) =>
  parseTargets(JSON.stringify(value), { allowInsecure }).problems;

describe("parseTargets()", () => {
  it.each([undefined, "", "  "])("%j means no webhooks", (text) => {
    expect(parseTargets(text)).toEqual({ targets: new Map(), problems: [] });
  });

  it("reads every entry", () => {
    const other = { ...HOOK, url: "https://example.org" };
    const { targets, problems } = parseTargets(JSON.stringify({ ship: HOOK, "2-tell": other }));
    expect(problems).toEqual([]);
    expect(Object.fromEntries(targets)).toEqual({ ship: HOOK, "2-tell": other });
  });

  it.each(["{", "[]", "null", '"ship"', "3", `{"ship": ${SECRET}}`])("refuses what is no JSON object: %s", (text) => {
    const { problems } = parseTargets(text, { variable: "HOOKS" });
    expect(problems).toEqual([expect.stringMatching(/^HOOKS must be a JSON object such as/)]);
    expect(problems.join()).not.toContain(SECRET);
  });

  it.each([
    ["no object", "https://example.com"],
    ["no object", [HOOK]],
    ["no object", null],
    ["no url", { secret: SECRET }],
    ["a url that is none", { ...HOOK, url: "example.com" }],
    ["a url of another kind", { ...HOOK, url: "ftp://example.com" }],
    ["http", { ...HOOK, url: "http://example.com" }],
    ["a user", { ...HOOK, url: "https://me@example.com" }],
    ["a password", { ...HOOK, url: "https://:passw0rd@example.com" }],
    ["a private address", { ...HOOK, url: "https://10.0.0.1/" }],
    ["a near name", { ...HOOK, url: "https://localhost:8443/" }],
    ["no secret", { url: HOOK.url }],
    ["a secret without its prefix", { ...HOOK, secret: SECRET.slice(6) }],
    ["a short secret", { ...HOOK, secret: `whsec_${btoa("s".repeat(23))}` }],
    ["a long secret", { ...HOOK, secret: `whsec_${btoa("s".repeat(65))}` }],
    ["a secret in another alphabet", { ...HOOK, secret: `whsec_${"-_".repeat(20)}` }],
    ["a secret that is no base64", { ...HOOK, secret: `${SECRET}A` }],
    ["a member too many", { ...HOOK, note: "hi" }],
  ])("refuses an entry with %s", (_, entry) => {
    expect(problemsOf({ good: HOOK, ship: entry })).toEqual([expect.stringMatching(/^WEBHOOKS "ship" must /)]);
  });

  it("takes http and near hosts where insecure ones are allowed, but no password", () => {
    expect(problemsOf({ a: { ...HOOK, url: "http://127.0.0.1:9/x" } }, true)).toEqual([]);
    expect(problemsOf({ a: { ...HOOK, url: "http://me:passw0rd@127.0.0.1:9/x" } }, true)).toHaveLength(1);
  });

  it.each(["", "Ship", "-a", "a_b", "a.b", "é", "a".repeat(64), "__proto__", "whsec_abc"])(
    "refuses the name %j",
    (name) => {
      const { targets, problems } = parseTargets(`{"good": ${JSON.stringify(HOOK)}, ${JSON.stringify(name)}: {}}`);
      expect(problems[0]).toMatch(/^WEBHOOKS entry 2 must have a name of a-z/);
      expect([...targets.keys()]).toEqual(["good"]);
    },
  );

  it("reports every problem of every entry, and repeats nothing that was configured", () => {
    const url = "http://user:passw0rd@10.0.0.1/t0k3n";
    const secret = "whsec_s3cret";
    const problems = problemsOf({ one: { url, secret, [secret]: 1 }, two: 2, [secret]: HOOK });
    expect(problems.map((problem) => problem.split(" must ")[0])).toEqual([
      ...['WEBHOOKS "one"', 'WEBHOOKS "one"', 'WEBHOOKS "one"', 'WEBHOOKS "two"', "WEBHOOKS entry 3"],
    ]);
    expect(problems.join()).not.toMatch(/s3cret|passw0rd|t0k3n|10\.0\.0\.1/);
  });

  it("never throws", () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(fc.string(), fc.jsonValue()).map((v) => JSON.stringify(v)),
    );
    const check = (value: string) => {
      const { targets, problems } = parseTargets(value);
      expect(targets.size > 0 || problems.length > 0).toBe(!/^\s*(\{\s*\})?\s*$/.test(value));
    };
    fc.assert(fc.property(text, check));
  });
});

describe("isSecret()", () => {
  it("takes every secret of 24 to 64 bytes, padded or not, and the library signs with its bytes", () => {
    const check = (bytes: Uint8Array, padded: boolean) => {
      const base64 = Buffer.from(bytes).toString("base64");
      const secret = `whsec_${padded ? base64 : base64.replace(/=+$/, "")}`;
      expect(isSecret(secret)).toBe(true);
      const expected = createHmac("sha256", bytes).update("id.1.{}").digest("base64");
      expect(new Webhook(secret).sign("id", new Date(1_000), "{}")).toBe(`v1,${expected}`);
    };
    fc.assert(fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.boolean(), check));
  });
});
