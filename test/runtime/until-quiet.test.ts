// A rebuild over partitions whose ends nobody tells: it waits for what is slow, ends although the log is in use, and says so.
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { formatStamp } from "../../src/domain/stamp.ts";
import { configureFlows, topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { rebuild } from "../../src/runtime/rebuild-node.ts";
import { PATIENCE_MS } from "../../src/runtime/until-quiet.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { karapaceProxy } from "../support/proxies/karapace.ts";
import { redpandaProxy } from "../support/proxies/redpanda.ts";
import { runCommand } from "../support/run-command.ts";
import { tempFolder } from "../support/temp-folder.ts";

const TOPICS = topicsOf(configureFlows(flows, parseConfig({}, flows)));
const TOPIC = "memory-operations";

afterEach(() => void vi.useRealTimers());

const operation = (id: string, atMs = Date.now() - 60_000): Buffer =>
  Buffer.from(
    JSON.stringify({
      specversion: "1.0",
      id,
      source: "/elsewhere",
      type: "tidegate.memory.create",
      stamp: formatStamp(atMs, 0, "0123456789abcdef"),
      data: { id, user: "u", content: `content of ${id}` },
    }),
  );

type Proxy = ReturnType<typeof redpandaProxy> | ReturnType<typeof karapaceProxy>;
type Send = (request: Request) => Response | Promise<Response>;

/** A proxy of two partitions a topic, what it does to requests, and a folder; time passes when it is waited for. */
async function start(proxy: Proxy, dialect: string, intercept: (request: Request, send: Send) => ReturnType<Send>) {
  vi.useFakeTimers({ toFake: ["performance"] });
  const send: Send = (request) => proxy.app.fetch(request);
  const isOther = (url: string): boolean => /\/partitions\/\d\/records/.test(url) && !url.includes(`/${TOPIC}/`);
  const server = await loopback({
    // Topics that hold nothing say so at once.
    fetch: (request: Request) => (isOther(request.url) ? Response.json([]) : intercept(request, send)),
  });
  const folder = tempFolder();
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  const beganMs = performance.now();
  const afterMs = () => performance.now() - beganMs;
  const delay = async (ms: number): Promise<void> => void vi.advanceTimersByTime(ms);
  const env = {
    KAFKA_URL: `${server.url}?dialect=${dialect}`,
    KAFKA_TOPIC_PARTITIONS: "2",
    DATA_DIR: folder.root,
    LOG_LEVEL: "error",
    ID_SECRET: "a secret of sixteen characters",
  };
  return { env, into: join(folder.root, "new.sqlite"), afterMs, delay };
}

const proxyOf = () => redpandaProxy(Object.fromEntries(TOPICS.map((topic) => [topic, 2])));
const append = ({ log }: Proxy, partition: number, value: Buffer) => log.append(TOPIC, { partition, key: null, value });
const reads = (request: Request, partition: number) =>
  new URL(request.url).pathname === `/topics/${TOPIC}/partitions/${partition}/records`;

async function contents(file: string): Promise<string> {
  const { code, out } = await runCommand("dump", "--data", file);
  expect(code).toBe(0);
  return out;
}

describe("a rebuild over ends that are not told", () => {
  it("waits for a slow partition, and names whose ends nobody told", async () => {
    const proxy = proxyOf();
    append(proxy, 0, operation("quick"));
    append(proxy, 1, operation("slow"));
    const { env, into, delay, afterMs } = await start(proxy, "redpanda", (request, send) =>
      reads(request, 1) && afterMs() < PATIENCE_MS * 0.8 ? Response.json([]) : send(request),
    );
    const { records, obstacles } = await rebuild(into, env, delay);
    expect(records).toBe(2);
    expect(await contents(into)).toContain("content of slow");
    expect(obstacles).toEqual([expect.stringMatching(/^nobody told where these partitions end, .* 30 s: /)]);
    expect(obstacles[0]).toContain(`${TOPIC}/0, ${TOPIC}/1`);
    // The last of it came at 24 s.
    expect(afterMs()).toBeGreaterThan(PATIENCE_MS * 1.8);
    expect(afterMs()).toBeLessThan(PATIENCE_MS * 2);
  });

  it("waits for the next look where retention has passed the position", async () => {
    const proxy = proxyOf();
    for (const id of ["gone", "kept"]) append(proxy, 1, operation(id));
    proxy.log.trim(TOPIC, 1, 1);
    let looks = 0;
    // The first look is at a group that is not joined yet: it gives nothing.
    const { env, into, delay } = await start(proxy, "redpanda", (request, send) => {
      const { pathname } = new URL(request.url);
      if (/^\/consumers\/[^/]+$/.test(pathname)) looks++;
      return /^\/consumers\/.*\/records$/.test(pathname) && looks < 2 ? Response.json([]) : send(request);
    });
    const { records, gap } = await rebuild(into, env, delay);
    expect({ records, gap, looks }).toEqual({ records: 1, gap: 1, looks: 2 });
    expect(await contents(into)).toContain("content of kept");
  });

  it("ends although the log is in use all the time", async () => {
    const proxy = proxyOf();
    append(proxy, 0, operation("old"));
    let asks = 0;
    const { env, into, delay, afterMs } = await start(proxy, "redpanda", (request, send) => {
      if (reads(request, 0) && ++asks % 3 === 0) append(proxy, 0, operation(`new-${asks}`, Date.now() + 1));
      return send(request);
    });
    const { records } = await rebuild(into, env, delay);
    expect(records).toBeGreaterThan(5);
    expect(afterMs()).toBeLessThan(PATIENCE_MS * 1.5);
  });

  it("waits where consumer instances are silent, and has nothing to say once they have spoken", async () => {
    const proxy = karapaceProxy(Object.fromEntries(TOPICS.map((topic) => [topic, 2])));
    append(proxy, 1, operation("slow"));
    const { env, into, delay, afterMs } = await start(proxy, "karapace", (request, send) =>
      request.url.includes("/records?") && afterMs() < PATIENCE_MS * 0.8 ? Response.json([]) : send(request),
    );
    expect(await rebuild(into, env, delay)).toMatchObject({ records: 1, obstacles: [] });
    expect(afterMs()).toBeLessThan(PATIENCE_MS);
  });
});
