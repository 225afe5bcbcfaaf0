// Shutdown: what was accepted is applied after the restart, and what was not accepted was not taken either.
import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { type ServiceProcess, startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/tidegate-process.ts";

/** A request that the test keeps open: it writes the body piece by piece. */
function openRequest(service: ServiceProcess, type: string, path = "/v1/operations") {
  const sending = request(service.url + path, { method: "POST", headers: { "content-type": type }, agent: false });
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    sending.once("error", reject);
    sending.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.once("error", reject);
    });
  });
  return { sending, answered };
}

const item = (i: number) => `${JSON.stringify({ flow: "session", type: "create", data: { id: `s${i}` } })}\n`;
/** Begins a batch of which the service has taken 250 operations and waits for more. */
async function beginBatch(service: ServiceProcess) {
  const begun = openRequest(service, "application/x-ndjson");
  for (let i = 0; i < 300; i++) begun.sending.write(item(i));
  await service.until("the first chunk", async () => {
    const check = (await service.get("/v1/check")).body;
    return (check.flows as { session: { accounted: number } }).session.accounted >= 250;
  });
  return begun;
}

const appliedSessions = async (service: ServiceProcess): Promise<number> => {
  const check = (await service.get("/v1/check")).body;
  expect(check).toMatchObject({ closed: true });
  return check.atRest === true ? (check.flows as { session: { applied: number } }).session.applied : -1;
};

describe("SIGTERM", () => {
  it("under load answers what it took, refuses the rest, and everything accepted is applied after the restart", async () => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root);
    const accepted: string[] = [];
    let refused = 0;
    const client = async (): Promise<void> => {
      while (refused < 20) {
        const { sending, answered } = openRequest(service, "application/json", "/v1/session/create");
        sending.end("{}");
        const answer = await answered.catch(() => undefined);
        if (answer?.status === 202) accepted.push(JSON.parse(answer.text).id);
        else refused++;
        expect(answer === undefined || answer.status === 202 || answer.status === 503).toBe(true);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await service.until("a hundred answers", async () => accepted.length >= 100);
    const code = service.stop();
    await Promise.all(clients);
    expect(await code).toBe(0);
    expect(service.output()).toContain("Tidegate has stopped");

    await using again = await startServiceProcess(folder.root);
    await again.until("every session", async () => (await appliedSessions(again)) === accepted.length);
    const states = (await again.post("/v1/operations/statuses", accepted.slice(0, 1_000))).body as unknown as object[];
    for (const state of states) expect(state).toMatchObject({ state: "applied" });
    expect(await again.stop()).toBe(0);
  });

  it("lets a request finish that is still being sent, and takes no new ones", async () => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root);
    const { sending, answered } = await beginBatch(service);
    const code = service.stop();
    await service.until("the port's end", () =>
      fetch(`${service.url}/livez`).then(
        () => false,
        () => true,
      ),
    );
    for (let i = 300; i < 400; i++) sending.write(item(i));
    sending.end();
    const { status, text } = await answered;
    expect(status).toBe(200);
    expect(
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).status),
    ).toEqual(Array(400).fill(202));
    expect(await code).toBe(0);

    await using again = await startServiceProcess(folder.root);
    await again.until("every session", async () => (await appliedSessions(again)) === 400);
    expect(await again.stop()).toBe(0);
  });

  it("cuts off at the deadline what does not end, and ends well all the same", async () => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root, { SHUTDOWN_DEADLINE_MS: "200" });
    const { answered } = await beginBatch(service);
    const lost = expect(answered).rejects.toThrow();
    expect(await service.stop()).toBe(0);
    await lost;
  });

  it("again after half a second forces the end; repeated at once it is the same request", async () => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root, { SHUTDOWN_DEADLINE_MS: "60000" });
    const { answered } = await beginBatch(service);
    const lost = expect(answered).rejects.toThrow();
    let code: number | undefined;
    void service.exited.then((exitCode) => {
      code = exitCode;
    });
    const began = performance.now();
    await waitFor("a forced end", 20_000, () => {
      service.signal("SIGTERM");
      return code !== undefined;
    });
    expect(code).toBe(130);
    expect(performance.now() - began).toBeGreaterThan(500);
    await lost;
  });

  it("ends event streams, which would go on for minutes", async () => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root, { SHUTDOWN_DEADLINE_MS: "120000" });
    const { body } = await fetch(`${service.url}/v1/operations/events`);
    const reader = body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^id: /);
    const code = service.stop();
    // A connection that is cut off at the deadline would be an error.
    while (!(await reader.read()).done);
    expect(await code).toBe(0);
  });

  it("with idle keep-alive connections ends at once, and with busy ones when they are answered", async () => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root, { SHUTDOWN_DEADLINE_MS: "30000" });
    let stopped = false;
    let answers = 0;
    const client = async (): Promise<void> => {
      // fetch keeps its connections and sends the next request at once: none of them is ever idle.
      while (!stopped) {
        const ok = await service.post("/v1/session/create", {}).then(
          ({ status }) => status === 202,
          () => false,
        );
        if (ok) answers++;
        else return;
      }
    };
    const clients = [client(), client(), client()];
    await service.until("some answers", async () => answers > 30);
    const began = performance.now();
    expect(await service.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    stopped = true;
    await Promise.all(clients);
  });
});
