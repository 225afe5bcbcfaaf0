// `tidegate probe`, interrupted, as a process: what it made at a stranger's Kafka goes, or is named.
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { loopback } from "../support/gateway-bundle.ts";
import { confluentV3Proxy } from "../support/proxies/confluent-v3.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { killAll, startTidegate, waitFor } from "../support/tidegate-process.ts";

afterAll(killAll);

const BOUND_MS = 30_000;
const TOPICS = "/v3/clusters/cluster-1/topics";

/** Whether a request is meant, and what becomes of it: held for ever, before it is carried out or after it. */
interface Hold {
  readonly when: "before" | "after";
  of(request: Request): boolean;
}

const held = (method: string, path: RegExp, when: Hold["when"]): Hold => ({
  when,
  of: (request) => request.method === method && path.test(new URL(request.url).pathname),
});
const OWN_READ = held("GET", /^\/consumers\/tidegate-probe-.*\/records$/, "before");
const ADAPTER_READ = held("GET", /^\/consumers\/(?!tidegate-probe).*\/records$/, "before");
const TOPIC_MADE = held("POST", /^\/v3\/.*\/topics$/, "after");
const INSTANCE_MADE = held("POST", /^\/consumers\/tidegate-probe-[^/]*$/, "after");
const UNKNOWN_WRITTEN = held("POST", /^\/topics\/.*\.unknown$/, "after");
const DELETES = held("DELETE", /./, "before");

/** A proxy that makes and deletes topics, also by a first record, and holds requests. */
function proxyThat(holds: readonly Hold[], { deletes = true } = {}) {
  const proxy = confluentV3Proxy({});
  const reached = new Set<Hold>();
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname === TOPICS) {
      const { topic_name, partitions_count } = (await request.json()) as Record<string, never>;
      proxy.log.create(topic_name!, partitions_count!);
      return Response.json({}, { status: 201 });
    }
    const topic = pathname.split("/").at(-1)!;
    if (request.method === "DELETE" && pathname.startsWith(TOPICS)) {
      if (!deletes) return Response.json({ error_code: 40301, message: "not authorized" }, { status: 403 });
      return new Response(null, { status: proxy.log.remove(topic) ? 204 : 404 });
    }
    if (UNKNOWN_WRITTEN.of(request)) proxy.log.create(topic, 1);
    return proxy.app.fetch(request);
  };
  const fetch = async (request: Request): Promise<Response> => {
    // What is held comes in order: no deletion is before the probe is.
    const hold = holds.find((each, i) => each.of(request) && holds.slice(0, i).every((one) => reached.has(one)));
    if (hold === undefined) return answer(request);
    if (hold.when === "after") await answer(request);
    reached.add(hold);
    return new Promise(() => undefined);
  };
  return { ...proxy, app: { fetch }, reached };
}

/** A probe of a proxy, until it waits for what is held. */
async function probing(proxy: ReturnType<typeof proxyThat>, at: Hold) {
  const folder = tempFolder();
  const server = await loopback(proxy.app);
  const output = folder.path("output");
  const running = startTidegate(["probe", server.url, "--dialect", "confluent-v3"], {}, folder.root, output);
  const alive = { process: running, output };
  await waitFor("the probe to be held", BOUND_MS, () => proxy.reached.has(at), { everyMs: 20, alive });
  return {
    running,
    alive,
    said: () => readFileSync(output, "utf8"),
    async [Symbol.asyncDispose]() {
      await running.stop("SIGKILL");
      await server[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe("a probe that is interrupted", () => {
  it.each([
    ["SIGINT", "while it reads by hand", OWN_READ],
    ["SIGTERM", "while the adapter reads", ADAPTER_READ],
    ["SIGINT", "before it knows that its topic is there", TOPIC_MADE],
    ["SIGTERM", "before it knows that its instance is there", INSTANCE_MADE],
    ["SIGINT", "before it knows that a record made a topic", UNKNOWN_WRITTEN],
  ] as const)("by %s %s leaves nothing behind", async (signal, _, at) => {
    const proxy = proxyThat([at]);
    await using probe = await probing(proxy, at);
    expect(proxy.log.names().length).toBeGreaterThan(0);
    expect(await probe.running.stop(signal)).toBe(130);
    expect([proxy.log.names(), proxy.instances()]).toEqual([[], 0]);
    const lines = probe.said().trimEnd().split("\n");
    expect(lines.at(-1)).toBe("tidegate: Interrupted; nothing is left behind");
    expect(lines).toHaveLength(2);
  });

  it("names what the proxy does not delete", async () => {
    const proxy = proxyThat([OWN_READ], { deletes: false });
    await using probe = await probing(proxy, OWN_READ);
    expect(await probe.running.stop("SIGINT")).toBe(130);
    const [topic] = proxy.log.names();
    expect(proxy.instances()).toBe(0);
    const last = probe.said().trimEnd().split("\n").at(-1)!;
    expect(last).toContain(`topics ${topic!}`);
    expect(last).not.toContain("instances");
  });

  it("ends in front of a proxy that answers no more, and names what may be left", async () => {
    const proxy = proxyThat([OWN_READ, DELETES]);
    await using probe = await probing(proxy, OWN_READ);
    const beganMs = performance.now();
    expect(await probe.running.stop("SIGINT")).toBe(130);
    expect(performance.now() - beganMs).toBeLessThan(20_000);
    const last = probe.said().trimEnd().split("\n").at(-1)!;
    expect(last).toContain(`topics ${proxy.log.names()[0]!}`);
    expect(last).toMatch(/consumer instances tidegate-probe-[0-9a-f-]+\/probe-[0-9a-f-]+/);
  });

  it("ends at once at a second signal, having named its topic", async () => {
    const proxy = proxyThat([OWN_READ, DELETES]);
    await using probe = await probing(proxy, OWN_READ);
    probe.running.signal("SIGINT");
    await waitFor("a line", BOUND_MS, () => probe.said().includes(proxy.log.names()[0]!), { everyMs: 20, ...probe });
    let code: number | undefined;
    void probe.running.exited.then((exitCode) => {
      code = exitCode;
    });
    // Signals that come close together are one request.
    const again = (): boolean => {
      probe.running.signal("SIGINT");
      return code !== undefined;
    };
    await waitFor("the end", BOUND_MS, again, { everyMs: 50 });
    expect(code).toBe(130);
    expect(probe.said()).not.toContain("tidegate: Interrupted");
  });
});
