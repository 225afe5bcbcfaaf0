// The client's event streams: the life of an operation, all operations, and connections that break.
import { describe, expect, onTestFinished, test } from "vitest";
import { createClient, type WatchedOperation } from "../../src/client/index.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { startService } from "../support/service.ts";
import { clientOf, failureOf, memory, type Service, URL_OF_TESTS } from "./client-under-test.ts";

/** Sends into a service; the first stream ends after its first piece, of which `last` makes what arrives of it. */
function breaking(service: Service, last: (piece: Uint8Array) => Promise<Uint8Array>) {
  let connections = 0;
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    const response = await service.app.request(url.slice(URL_OF_TESTS.length), init);
    if (!url.endsWith("/events") || connections++ > 0) return response;
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return new Response((await last(value!)) as Uint8Array<ArrayBuffer>);
  };
  return { send, connections: () => connections };
}

/** Turns of the event loop in which a rejection that nobody handles is told. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("streams", () => {
  test("the life of an operation, to its end, over connections that break", async () => {
    await using service = await startService();
    // In the middle of its first event.
    const { send, connections } = breaking(service, async (piece) => piece.slice(0, -3));
    const client = clientOf(service, { fetch: send });
    const { id } = await client.submit("memory", "create", memory);
    const states: string[] = [];
    for await (const { state } of client.watch(id)) {
      states.push(state);
      if (state === "pending") await service.tickToRest();
    }
    expect(states).toEqual(["pending", "applied"]);
    expect(connections()).toBe(2);
  });

  test("all operations, also those of the time when a stream that had told nothing was broken", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const { reads } = service.composed.service;
    const toldFromNow = async () => (await reads.operationsAfter(await reads.cursorNow(), 1, "default")).items.length;
    let missed = "";
    const { send } = breaking(service, async (piece) => {
      missed = (await clientOf(service).submit("memory", "create", memory)).id;
      // From then on a stream that has no place to go on from begins after it.
      await expect.poll(toldFromNow).toBe(0);
      return piece;
    });
    const watching = clientOf(service, { fetch: send }).watchAll();
    const first = await watching.next();
    expect(first.value?.status.id).toBe(missed);
    await watching.return(undefined);
  });

  test("a signal that aborts while an event is being looked at ends the stream, and nothing else", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    await using server = await loopback(service.app);
    const client = createClient({ url: server.url });
    const stop = new AbortController();
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    onTestFinished(() => void process.off("unhandledRejection", note));
    const watching = (async () => {
      for await (const _ of client.watchAll({ signal: stop.signal })) {
        stop.abort(new Error("enough"));
        // Until the connection has noticed.
        await turns();
      }
    })();
    const writing = (async () => {
      while (!stop.signal.aborted) await client.submit("memory", "create", memory);
    })();
    await expect(watching).rejects.toThrow("enough");
    await writing;
    await turns();
    expect(unhandled).toEqual([]);
  });

  test("all operations, from a cursor on, until the signal", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const client = clientOf(service);
    const stop = new AbortController();
    const watching = client.watchAll({ signal: stop.signal });
    let first: WatchedOperation | undefined;
    const looking = watching.next().then(({ value }) => {
      first = value;
    });
    let last = "";
    // The place where the stream begins is that of its first look.
    for (let i = 0; i < 500 && first === undefined; i++) last = (await client.submit("memory", "create", memory)).id;
    await looking;
    const seen = [first!];
    while (seen.at(-1)!.status.id !== last) seen.push((await watching.next()).value!);
    const again = client.watchAll({ from: seen[0]!.cursor, signal: stop.signal });
    for (const one of seen.slice(1)) expect((await again.next()).value).toEqual(one);
    stop.abort(new Error("enough"));
    for (const endless of [watching, again]) {
      const rest = (async () => {
        for await (const _ of endless);
      })();
      await expect(rest).rejects.toThrow("enough");
    }
  });

  test("what is not there, and what does not end in time", async () => {
    await using service = await startService();
    const client = clientOf(service);
    expect(await failureOf(client.watch("nobody's").next())).toMatchObject({ code: "not_found" });
    const { id } = await client.submit("memory", "create", memory);
    const life = client.watch(id, { deadlineMs: 100 });
    expect((await life.next()).value).toMatchObject({ state: "pending" });
    expect(await failureOf(life.next())).toMatchObject({ code: "deadline_exceeded" });
    expect(await failureOf(client.settled(id, { deadlineMs: 100 }))).toMatchObject({ code: "deadline_exceeded" });
  });
});
