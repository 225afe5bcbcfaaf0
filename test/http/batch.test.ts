// Many operations in one body: a status for each, in order, whatever the others are.
import { describe, expect, it } from "vitest";
import { variables } from "../../src/config/variables.ts";
import { AppError } from "../../src/domain/errors.ts";
import { flows } from "../../src/flows/index.ts";
import { ARRAY_BYTES_MAX } from "../../src/http/batch.ts";
import { openApiDocument } from "../../src/http/openapi/document.ts";
import { readProblem } from "../support/problem.ts";
import { type AnswerBody, type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

interface Item extends AnswerBody {
  readonly status: number;
  readonly problem?: {
    readonly code: string;
    readonly status: number;
    readonly errors?: readonly { readonly pointer: string }[];
  };
}

const message = (i: number, more: object = {}) => ({
  flow: "chat-messages",
  type: "create",
  data: { id: `m${i}`, session: "s", user: "u", content: `text ${i}` },
  ...more,
});

const FORMS = ["array", "lines"] as const;

/** Sends items in either form and reads the answers. */
async function send(service: ServiceUnderTest, form: (typeof FORMS)[number], items: readonly unknown[]) {
  const texts = items.map((item) => JSON.stringify(item));
  const type = form === "array" ? "application/json" : "application/x-ndjson";
  const body = form === "array" ? `[${texts.join(",")}]` : `${texts.join("\n")}\n`;
  const response = await service.request("/v1/operations", {
    method: "POST",
    headers: { "content-type": type },
    body,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain(type);
  const text = await response.text();
  return (
    form === "array" ? JSON.parse(text) : text.split("\n").flatMap((line) => (line ? [JSON.parse(line)] : []))
  ) as Item[];
}

describe.each(FORMS)("a batch as %s", (form) => {
  it.each(WAYS)("answers every item in order on the path $path", async ({ options, status, path }) => {
    await using service = await startService(options);
    const answers = await send(service, form, [message(1), message(2), message(3)]);
    expect(answers.map((answer) => [answer.status, answer.path, answer.entity.id])).toEqual([
      [status, path, "m1"],
      [status, path, "m2"],
      [status, path, "m3"],
    ]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(3);
    expect(answers.map(({ stamp }) => stamp).toSorted()).toEqual(answers.map(({ stamp }) => stamp));
  });

  it("answers faulty items with their problem and takes the others", async () => {
    await using service = await startService();
    const answers = await send(service, form, [
      message(1),
      message(2, { data: { id: "m2", content: 7 } }),
      message(3, { flow: "nowhere" }),
      message(4, { type: "explode" }),
      "not an object",
      [message(5)],
      null,
      { type: "create", data: {} },
      message(6, { key: 5 }),
      message(7, { colour: "red" }),
      message(8, { after: "yesterday" }),
      { flow: "chat-messages", type: "create" },
      message(9),
    ]);
    expect(answers.map(({ status, problem }) => [status, problem?.code, problem?.errors?.[0]?.pointer])).toEqual([
      [202, undefined, undefined],
      [422, "invalid_input", "#/session"],
      [404, "not_found", "#/flow"],
      [404, "not_found", "#/type"],
      [422, "invalid_input", "#"],
      [422, "invalid_input", "#"],
      [422, "invalid_input", "#"],
      [422, "invalid_input", "#/flow"],
      [422, "invalid_input", "#/key"],
      [422, "invalid_input", "#/colour"],
      [422, "invalid_input", "#/after"],
      [422, "invalid_input", "#"],
      [202, undefined, undefined],
    ]);
    for (const { status, problem } of answers) if (problem !== undefined) expect(problem.status).toBe(status);
    await service.tickToRest();
    expect((await service.get("/v1/messages/m1")).status).toBe(200);
    expect((await service.get("/v1/messages/m9")).status).toBe(200);
  });

  it.each(WAYS)("honours a key per item, also one repeated within the batch, on the path $path", async (way) => {
    await using service = await startService(way.options);
    const { status } = way;
    const first = await send(service, form, [
      message(1, { key: "a" }),
      message(1, { key: "a" }),
      message(2, { key: "a" }),
      message(3, { key: "b" }),
    ]);
    expect(first.map(({ status, problem }) => [status, problem?.code])).toEqual([
      [status, undefined],
      [status, undefined],
      [422, "idempotency_mismatch"],
      [status, undefined],
    ]);
    expect(first[1]).toEqual(first[0]);
    const again = await send(service, form, [message(3, { key: "b" }), message(1, { key: "a" })]);
    expect(again.map(({ id }) => id)).toEqual([first[3]!.id, first[0]!.id]);
    await service.tickToRest();
    const check = await service.get("/v1/check");
    const flows = { "chat-messages": { accounted: 2, applied: 2 } };
    expect(check.body).toMatchObject({ closed: true, atRest: way.path !== "fallback", flows });
  });

  it.each(WAYS)("knows a key again in a later chunk, and a prepared operation's, on the path $path", async (way) => {
    await using service = await startService(way.options);
    const summary = { flow: "summarization", type: "generate", data: { session: "s" }, key: "sum" };
    const others = Array.from({ length: 300 }, (_, i) => message(i));
    const answers = await send(service, form, [summary, summary, message(0, { key: "a" }), ...others, summary]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([way.status]));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers.at(-1)!.id).toBe(answers[0]!.id);
    await service.tickToRest();
    const { body } = await service.get("/v1/check");
    expect(body).toMatchObject({ closed: true, flows: { summarization: { accounted: 1, applied: 2, derived: 1 } } });
  });

  it("keeps the order of one entity's operations over the borders of chunks", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const updates = Array.from({ length: 600 }, (_, i) => message(1, { type: "update", data: { id: "m1", seq: i } }));
    const answers = await send(service, form, [message(1), ...updates, message(2, { type: "oops" }), message(3)]);
    expect(answers.map(({ status }) => status)).toEqual([...Array(601).fill(200), 404, 200]);
    expect((await service.get("/v1/messages/m1")).body).toMatchObject({ seq: 599 });
  });

  it("takes nothing of a flow behind a chunk of which nothing was accepted: sent again, that would be later", async () => {
    const faults = { left: 0 };
    await using service = await startService({
      env: { ENABLE_KAFKA: "false", KAFKA_MEMORY_OPERATIONS: "true" },
      database: (inner) => ({
        ...inner,
        reserveKeys: async (rows) => {
          if (faults.left-- > 0) throw new AppError("graph_unavailable", "Cannot use the database: connection refused");
          return inner.reserveKeys(rows);
        },
      }),
    });
    await send(service, form, [message(1)]);
    const updates = Array.from({ length: 260 }, (_, i) =>
      message(1, { type: "update", data: { id: "m1", seq: i }, key: `k${i}` }),
    );
    const other = { flow: "memory", type: "create", data: { user: "u", content: "c" } };
    faults.left = 1;
    const answers = await send(service, form, [...updates, other]);
    expect(answers.map(({ status }) => status)).toEqual([...Array(260).fill(503), 202]);
    const again = await send(service, form, updates);
    expect(again.map(({ status }) => status)).toEqual(Array(260).fill(200));
    expect((await service.get("/v1/messages/m1")).body).toMatchObject({ seq: 259 });
  });

  it("orders an item after the stamp it names", async () => {
    await using service = await startService();
    const ahead = `${(Date.now() + 40_000).toString(16).padStart(12, "0")}-0000-0123456789abcdef`;
    const [answer] = await send(service, form, [message(1, { after: ahead })]);
    expect(answer!.stamp > ahead).toBe(true);
  });

  it("answers nothing to nothing", async () => {
    await using service = await startService();
    expect(await send(service, form, [])).toEqual([]);
  });

  it("refuses an item beyond the size of one operation and takes the others", async () => {
    await using service = await startService({ env: { BODY_BYTES_MAX: "2048" } });
    const answers = await send(service, form, [
      message(1),
      message(2, { data: { id: "m2", content: "x".repeat(3_000) } }),
      message(3, { data: { id: "m3", content: "é".repeat(1_500) } }),
      message(4),
    ]);
    expect(answers.map(({ status, problem }) => problem?.code ?? status)).toEqual([
      202,
      "payload_too_large",
      "payload_too_large",
      202,
    ]);
  });
});

describe("a batch as an array", () => {
  const post = (service: ServiceUnderTest, body: string) =>
    service.request("/v1/operations", { method: "POST", headers: { "content-type": "application/json" }, body });

  it("is refused whole when it is no array, not JSON, too long or too large", async () => {
    await using service = await startService({ env: { BATCH_ITEMS_MAX: "3", BATCH_BYTES_MAX: "4096" } });
    await readProblem(await post(service, JSON.stringify(message(1))), "invalid_input");
    await readProblem(await post(service, "[{]"), "malformed");
    await readProblem(await post(service, JSON.stringify([1, 2, 3, 4])), "payload_too_large");
    await readProblem(await post(service, `[${" ".repeat(5_000)}]`), "payload_too_large");
    expect((await service.get("/v1/check")).body).toMatchObject({ atRest: true });
  });
});

describe("a batch of more than 4 MiB", () => {
  it("comes as lines, not as an array, and that is said", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const post = (type: string, body: string) =>
      service.request("/v1/operations", { method: "POST", headers: { "content-type": type }, body });
    const room = " ".repeat(ARRAY_BYTES_MAX);
    const { detail } = await readProblem(await post("application/json", `[${room}]`), "payload_too_large");
    const { paths } = openApiDocument({ version: "0.0.0-test", flows, accepts: true });
    const described = ["/v1/operations", "/events"].map((path) => paths[path]!.post!.description);
    for (const text of [detail, variables.BATCH_BYTES_MAX.description, ...described])
      expect(text).toContain(String(ARRAY_BYTES_MAX));
    const lines = `${JSON.stringify(message(1))}\n`.padEnd(ARRAY_BYTES_MAX + 2, " \n");
    expect((await post("application/x-ndjson", lines)).status).toBe(200);
  });
});

describe("a batch as lines", () => {
  const body = (service: ServiceUnderTest, text: string | ReadableStream<Uint8Array>) =>
    service.request("/v1/operations", {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: text,
      ...(typeof text === "string" ? {} : { duplex: "half" }),
    } as RequestInit);
  const lines = async (response: Response) => {
    expect(response.status).toBe(200);
    return (await response.text()).split("\n").flatMap((line) => (line ? [JSON.parse(line) as Item] : []));
  };
  const start = (options: ServiceOptions = {}) => startService(options);
  const codes = (items: readonly Item[]) => items.map(({ status, problem }) => problem?.code ?? status);

  it("may have blank lines, CRLF ends, a byte order mark and no end after the last line", async () => {
    await using service = await start();
    const text = `\uFEFF${JSON.stringify(message(1))}\r\n\r\n  \n${JSON.stringify(message(2))}\n\n${JSON.stringify(message(3))}`;
    expect(codes(await lines(await body(service, text)))).toEqual([202, 202, 202]);
  });

  it("with a broken line in the middle answers that line and takes the others", async () => {
    await using service = await start();
    const text = [JSON.stringify(message(1)), '{"flow": "chat', JSON.stringify(message(2))].join("\n");
    const answers = await lines(await body(service, text));
    expect(codes(answers)).toEqual([202, "malformed", 202]);
    expect(JSON.stringify(answers[1])).toContain("Item 1");
  });

  it("with too many items takes those within the limit and ends with a problem", async () => {
    await using service = await start({ env: { BATCH_ITEMS_MAX: "3" } });
    const text = [1, 2, 3, 4, 5].map((i) => JSON.stringify(message(i))).join("\n");
    expect(codes(await lines(await body(service, text)))).toEqual([202, 202, 202, "payload_too_large"]);
  });

  it("that turns out too large takes what came before and ends with a problem", async () => {
    await using service = await start({ env: { BATCH_BYTES_MAX: "4096" } });
    const line = `${JSON.stringify(message(1))}\n`;
    const chunks = Array.from({ length: 60 }, () => new TextEncoder().encode(line));
    const answers = await lines(await body(service, streamOf(chunks)));
    const taken = Math.floor(4_096 / line.length);
    expect(codes(answers)).toEqual([...Array(taken).fill(202), "payload_too_large"]);
  });

  it("that stops being UTF-8 takes what came before and ends with a problem", async () => {
    await using service = await start();
    const good = new TextEncoder().encode(`${JSON.stringify(message(1))}\n`);
    const answers = await lines(await body(service, streamOf([good, new Uint8Array([0xc3, 0x28, 0x0a]), good])));
    expect(codes(answers)).toEqual([202, "malformed"]);
  });

  it("is put together again wherever the network cut it", async () => {
    await using service = await start();
    const text = [1, 2, 3]
      .map((i) => JSON.stringify(message(i, { data: { id: `m${i}`, session: "s", user: "ü€𝄞", content: "x" } })))
      .join("\r\n");
    const bytes = new TextEncoder().encode(text);
    const chunks = Array.from(bytes, (byte) => new Uint8Array([byte]));
    expect(codes(await lines(await body(service, streamOf(chunks))))).toEqual([202, 202, 202]);
    await service.tickToRest();
    expect((await service.get("/v1/messages/m2")).body.user).toBe("ü€𝄞");
  });

  it("skips an overlong line that came in many chunks, up to its end and no further", async () => {
    await using service = await start({ env: { BODY_BYTES_MAX: "1024" } });
    const encode = (text: string) => new TextEncoder().encode(text);
    const answers = await lines(
      await body(
        service,
        streamOf([
          encode(`${JSON.stringify(message(1))}\n{"flow":"`),
          ...Array.from({ length: 10 }, () => encode("x".repeat(700))),
          encode(`"}\n${JSON.stringify(message(2))}\n${"y".repeat(2_000)}`),
        ]),
      ),
    );
    expect(codes(answers)).toEqual([202, "payload_too_large", 202, "payload_too_large"]);
  });
});

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const waiting = chunks.values();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = waiting.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
