import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type ImportOptions, runImport } from "../../src/cli/import/run.ts";
import { CHITCHAT_EXCERPT } from "../support/chitchat.ts";
import { type FakeService, startFakeService } from "../support/fake-service.ts";
import { tempFolder } from "../support/temp-folder.ts";

interface Place {
  readonly service: FakeService;
  readonly path: (name: string) => string;
  readonly run: (options?: Partial<ImportOptions>) => ReturnType<typeof runImport>;
  readonly lines: (name: string) => { readonly [name: string]: unknown }[];
}

/** A fake service, a folder, and an import of the excerpt between them. */
async function place(options?: { itemsMax: number }): Promise<Place> {
  const service = await startFakeService(options);
  const folder = tempFolder();
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(async () => {
    vi.restoreAllMocks();
    await service.close();
    folder[Symbol.dispose]();
  });
  const run = (given: Partial<ImportOptions> = {}) =>
    runImport({
      files: [CHITCHAT_EXCERPT],
      url: service.url,
      operationsMax: Number.POSITIVE_INFINITY,
      conversationsMax: Number.POSITIVE_INFINITY,
      user: "me",
      batchItemsMax: 100,
      concurrency: 2,
      retryForMs: 20_000,
      rejectsPath: folder.path("rejects"),
      acceptedPath: folder.path("accepted"),
      statePath: folder.path("state"),
      resume: false,
      signal: new AbortController().signal,
      delayBaseMs: 1,
      ...given,
    });
  const lines = (name: string) =>
    readFileSync(folder.path(name), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  return { service, path: folder.path, run, lines };
}

/** Whether messages of each session were taken in their order. */
function inOrder({ taken }: FakeService): boolean {
  const seen = new Map<unknown, number>();
  return taken.every(({ flow, data }) => {
    const session = flow === "session" ? data.id : data.session;
    const number = flow === "session" ? -1 : Number(data.seq);
    const before = seen.get(session) ?? -2;
    seen.set(session, number);
    return number > before;
  });
}

describe("runImport()", () => {
  test("imports everything, and twice changes nothing", async () => {
    const { service, run, lines } = await place();
    const summary = await run();
    expect(summary).toMatchObject({
      complete: true,
      operations: 1_073,
      sessions: 41,
      messages: 1_032,
      users: 41,
      accepted: 1_072,
      byFlow: { session: 41, "chat-messages": 1_031 },
      byPath: { kafka: 1_072, direct: 0, fallback: 0 },
      rejected: 1,
      retries: 0,
    });
    expect(lines("rejects")).toEqual([
      {
        input: CHITCHAT_EXCERPT,
        conversation: "4228ef8b-fc10-44e2-a3bd-bde7cd782607",
        turn: 1,
        index: 1,
        reason: "422 invalid_input: #/content: too small",
        original: { text: "", timestamp: "2018-04-10T21:42:34Z", sender: "ac521e9a-ebb8-4579-8597-ee3b808383d1" },
      },
    ]);
    expect(new Set(lines("accepted").map(({ id }) => id)).size).toBe(1_072);
    expect(inOrder(service)).toBe(true);

    expect((await run()).accepted).toBe(1_072);
    expect(service.taken).toHaveLength(1_072);
    expect(lines("rejects")).toHaveLength(1);
  });

  test("tries again with the same keys, whatever went wrong", async () => {
    const { service, run } = await place();
    service.faults.push(
      { sort: "status", status: 503 },
      { sort: "lose answer" },
      { sort: "items", status: 503 },
      { sort: "status", status: 429, retryAfter: "0" },
      { sort: "items", status: 500 },
    );
    const summary = await run({ concurrency: 1 });
    expect(summary).toMatchObject({ accepted: 1_072, rejected: 1, retries: 5 });
    expect(service.taken).toHaveLength(1_072);
    expect(service.batches[1]).toEqual(service.batches[0]);
    expect(service.batches[2]).toEqual(service.batches[0]);
    expect(service.batches[3]).toEqual(service.batches[0]!.filter((_, index) => index % 2 === 1));
  });

  test("honours Retry-After", async () => {
    const { service, run } = await place();
    const atMs: number[] = [];
    service.onBatch = () => atMs.push(performance.now());
    service.faults.push({ sort: "status", status: 503, retryAfter: "1" });
    await run({ operationsMax: 10 });
    expect(atMs[1]! - atMs[0]!).toBeGreaterThan(950);
  });

  test("gives up in words when nothing is accepted for too long, and resumes from there", async () => {
    const { service, run, lines } = await place();
    service.faults.push(...Array.from({ length: 500 }, () => ({ sort: "status", status: 503 }) as const));
    await expect(run({ retryForMs: 30 })).rejects.toThrow(
      /^Gave up after 0 s: http.* accepts nothing \(answer 503: nothing_accepted: on demand\); .*--resume goes on from there$/,
    );
    service.faults.length = 0;
    expect(await run({ resume: true })).toMatchObject({ complete: true, accepted: 1_072, skipped: 0 });
    expect(lines("accepted")).toHaveLength(1_072);
  });

  test("waits for a service that is not there yet, or gives up with the reason", async () => {
    const { service, run } = await place();
    await service.close();
    await expect(run({ retryForMs: 30 })).rejects.toThrow(/\(connection refused\)/);
  });

  test("refuses an address that is no service at once", async () => {
    const { service, run } = await place();
    service.faults.push({ sort: "status", status: 404, code: "not_found" });
    await expect(run({ concurrency: 1 })).rejects.toThrow(/\/v1\/operations answered 404: not_found: on demand$/);
  });

  test("takes a refused batch apart", async () => {
    const { service, run } = await place({ itemsMax: 30 });
    expect(await run()).toMatchObject({ accepted: 1_072, rejected: 1 });
    expect(Math.max(...service.batches.map((keys) => keys.length))).toBe(100);
    expect(inOrder(service)).toBe(true);
  });

  test("an interrupted import goes on where it stopped", async () => {
    const { service, run, lines, path } = await place();
    const controller = new AbortController();
    service.onBatch = (number) => number === 6 && controller.abort();
    const first = await run({ signal: controller.signal, concurrency: 1 });
    expect(first.complete).toBe(false);
    expect(first.accepted).toBe(500);

    service.onBatch = () => undefined;
    const second = await run({ resume: true, concurrency: 1 });
    expect(second).toMatchObject({ complete: true, skipped: 500, operations: 573 });
    expect(service.taken).toHaveLength(1_072);
    expect(new Set(lines("accepted").map(({ id }) => id)).size).toBe(1_072);
    expect(lines("rejects")).toHaveLength(1);
    expect(() => readFileSync(path("state"))).toThrow(/ENOENT/);
  });

  test("starts from the beginning when the service is a new one", async () => {
    const { service, run } = await place();
    const controller = new AbortController();
    service.onBatch = (number) => number === 3 && controller.abort();
    await run({ signal: controller.signal });
    const { url, run: runElsewhere } = await place().then(({ service: { url }, run }) => ({ url, run }));
    await expect(run({ resume: true, url })).rejects.toThrow(
      /^Cannot resume: .*; remove it or name another with --state$/,
    );
    expect(await runElsewhere({ resume: true })).toMatchObject({ skipped: 0, accepted: 1_072 });
  });

  test("stops after --limit and --conversations", async () => {
    const { run } = await place();
    expect(await run({ operationsMax: 150 })).toMatchObject({ operations: 150, complete: true });
    expect(await run({ conversationsMax: 2 })).toMatchObject({ sessions: 2, messages: 158, operations: 160 });
  });

  test("imports several files, and tells what is no operation", async () => {
    const { run, lines, path, service } = await place();
    writeFileSync(path("a"), '{"flow":"events","type":"record","data":{"type":"t"}}\nnope\n');
    writeFileSync(path("b"), '{"flow":"events","type":"record","data":{"type":"t"}}\n{"flow":"x"\n');
    const summary = await run({ files: [path("a"), path("b")] });
    expect(summary).toMatchObject({ operations: 4, accepted: 2, rejected: 2, sessions: 0 });
    expect(service.taken).toHaveLength(1);
    expect(lines("rejects")).toEqual([
      { input: path("a"), line: 2, reason: "It is not JSON", original: "nope" },
      { input: path("b"), line: 2, reason: "It is not JSON", original: '{"flow":"x"' },
    ]);
  });

  test("resumed, one input keeps the rejects of the others in the same file", async () => {
    const { service, run, lines, path } = await place();
    const line = (n: number): string => `{"flow":"events","type":"record","data":{"type":"${n}"}}\n`;
    writeFileSync(path("a"), "nope\n");
    writeFileSync(path("b"), `${line(1)}nope\n${line(2)}`);
    const given = { files: [path("a"), path("b")], batchItemsMax: 1 };
    const controller = new AbortController();
    service.onBatch = (number) => number === 2 && controller.abort();
    expect((await run({ ...given, signal: controller.signal })).complete).toBe(false);
    service.onBatch = () => undefined;
    expect(await run({ ...given, resume: true })).toMatchObject({ complete: true, skipped: 2 });
    const rejects = lines("rejects").map(({ input, line }) => `${input} ${line}`);
    expect(rejects.toSorted()).toEqual([`${path("a")} 1`, `${path("b")} 2`]);
  });

  test("resumed on a file that was mended, tells of its rejects as they are now, and keeps those of others", async () => {
    const { run, lines, path } = await place();
    const line = (n: number): string => `{"flow":"events","type":"record","data":{"type":"${n}"}}\n`;
    writeFileSync(path("a"), `${line(1)}nope\nnever\n`);
    writeFileSync(path("b"), "not this\n");
    const given = { files: [path("a"), path("b")] };
    await run(given);
    writeFileSync(path("a"), `${line(1)}${line(2)}still not\n`);
    await run({ ...given, files: [path("a")], resume: true });
    expect(lines("rejects").map(({ input, line, original }) => [input, line, original])).toEqual([
      [path("b"), 1, "not this"],
      [path("a"), 3, "still not"],
    ]);
  });

  test("imports all of a file that begins like another and is as long", async () => {
    const { run, path, service } = await place();
    const line = (type: string): string => `{"flow":"events","type":"record","data":{"type":"${type}"}}\n`;
    // A file is known by its first 64 KiB and its size.
    const same = line("t").repeat(1_500);
    writeFileSync(path("a"), same + line("a"));
    writeFileSync(path("b"), same + line("b"));
    expect(await run({ files: [path("a"), path("b")] })).toMatchObject({ operations: 3_002, accepted: 3_002 });
    expect(service.taken.filter(({ data }) => data.type === "b")).toHaveLength(1);
  });

  test("says what is wrong with a file that ends too early", async () => {
    const { run, path } = await place();
    writeFileSync(path("cut"), '{"a":{"messages":[]},"b":{"mess');
    await expect(run({ files: [path("cut")] })).rejects.toThrow(
      "Cannot read all of cut: Not one JSON object: it ends too early at byte 31",
    );
  });
});
