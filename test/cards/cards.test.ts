// docs/dialects.md holds the cards that `tidegate probe` prints, each with where its facts come from.
import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { gatewayBundle, loopback } from "../support/gateway-bundle.ts";
import { PROXIES } from "../support/proxies/every.ts";
import { runCommand } from "../support/run-command.ts";
import { CARDS, cardOf, tableOf } from "./cards.ts";

const document = readFileSync(new URL("../../docs/dialects.md", import.meta.url), "utf8");

describe.each(CARDS)("the card of $title", (card) => {
  it("is what a probe finds (node test/cards/write.ts)", async () => {
    const found = await cardOf(card);
    expect(found.suitable).toBe(true);
    expect(document).toContain(`## ${card.title} (*${card.source}*)`);
    expect(document).toContain(`<!-- card ${card.dialect} -->\n\n${tableOf(found)}\n\n<!-- end -->`);
  });
});

describe("tidegate probe", () => {
  it("guesses the dialect, makes a topic, prints a card and says what it could not delete", async () => {
    await using bundle = await gatewayBundle({ topics: {} });
    await using server = await loopback(bundle.app);
    const { code, out, err } = await runCommand("probe", server.url);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`${server.url} is Tidegate's gateway; examined as dialect tidegate`);
    expect(out).toContain("Tidegate can run on it.");
    const [topic] = (await bundle.log.topics()).filter(({ name }) => !name.endsWith(".unknown"));
    if (topic !== undefined) expect(out).toContain(topic.name);
  });

  it("answers one JSON object, and exit code 1 for a proxy that Tidegate cannot run on", async () => {
    const proxy = PROXIES.karapace({ probe: 2 });
    proxy.faults.expiresButWrites = true;
    await using server = await loopback(proxy.app);
    const { code, out } = await runCommand("probe", server.url, "--topic", "probe", "--json");
    expect(code).toBe(1);
    const card = JSON.parse(out);
    expect(card).toMatchObject({ dialect: "karapace", suitable: false, left: [] });
    expect(card.findings[0]).toMatchObject({
      id: "tidegate",
      verdict: "no",
      detail: expect.stringContaining("unknown"),
    });
  });

  it.each([
    [["http://127.0.0.1:1"], 1, /Cannot examine http:\/\/127\.0\.0\.1:1/],
    [["kafka:9092"], 2, /is not an http\(s\) address/],
    [["http://x:y@localhost"], 2, /Give user and password as options/],
    [["http://localhost", "--dialect", "nakadi"], 2, /There is no dialect "nakadi"/],
    [["http://proxy.example", "--token", "hunter2"], 2, /Credentials are sent by https alone/],
    [["http://localhost", "--username", "u"], 2, /Give user and password together/],
  ])("says in one line what is wrong with %j", async (args, code, line) => {
    const ran = await runCommand("probe", ...args);
    expect(ran.code).toBe(code);
    expect(ran.err).toMatch(line);
    expect(ran.err.trim().split("\n")).toHaveLength(1);
    expect(ran.err).not.toContain("hunter2");
  });

  it.each([
    [{ KAFKA_TOKEN: "env" }, ["--username", "u", "--password", "p"], `Basic ${btoa("u:p")}`],
    [{ KAFKA_USERNAME: "e", KAFKA_PASSWORD: "p" }, ["--username", "u"], `Basic ${btoa("u:p")}`],
    [{ KAFKA_USERNAME: "u", KAFKA_PASSWORD: "p" }, ["--token", "t"], "Bearer t"],
    [{ KAFKA_USERNAME: "u", KAFKA_PASSWORD: "p" }, [], `Basic ${btoa("u:p")}`],
    [{ KAFKA_TOKEN: "", KAFKA_USERNAME: "", KAFKA_PASSWORD: "" }, [], null],
  ])("with %j and %j sends the credentials that were given", async (env, args, authorization) => {
    for (const name of ["KAFKA_TOKEN", "KAFKA_USERNAME", "KAFKA_PASSWORD"]) vi.stubEnv(name, undefined);
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const seen = new Set<string | null>();
    const answer = (request: Request) => {
      seen.add(request.headers.get("authorization"));
      return new Response("", { status: 400 });
    };
    await using server = await loopback({ fetch: answer });
    expect((await runCommand("probe", server.url, ...args)).code).toBe(1);
    expect([...seen]).toEqual([authorization]);
  });

  it("ends in time in front of a proxy that answers slowly", async () => {
    const proxy = PROXIES.strimzi({ probe: 2 });
    proxy.faults.slowMs = 1_500;
    await using server = await loopback(proxy.app);
    const began = performance.now();
    const { out } = await runCommand("probe", server.url, "--topic", "probe", "--timeout", "10");
    expect(performance.now() - began).toBeLessThan(25_000);
    expect(out).toContain("the time was over");
    expect(proxy.instances()).toBe(0);
  });
});
