// What the service does not do: every refusal is a problem document that says what would have been right.
import { describe, expect, it } from "vitest";
import { expectProblem, readProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";

describe("a request the service does not answer", () => {
  it.each([
    ["/v2/session/create", "POST"],
    ["/v1", "GET"],
    ["/v1/users/nobody", "GET"],
    ["/v1/a/b/c/d", "POST"],
    [`/${"x".repeat(5_000)}`, "GET"],
    ["/%E0%A4%A", "GET"],
    ["/v1/sessions/nobody", "GET"],
    ["/v1/messages/%00", "GET"],
    ["/v1/messages/%ED%A0%80", "GET"],
    ["/v1/sessions/nobody/messages", "GET"],
    ["/v1/users/nobody/summary", "GET"],
    ["/v1/graph/Session/nobody", "GET"],
    ["/v1/graph/__proto__/x", "GET"],
    ["/v1/parked/%00/%ED%A0%80/x", "GET"],
    ["/v1/operations/nobody/events", "GET"],
    ["/v1/parked/nothing", "POST"],
  ])("at %s by %s is 404", async (path, method) => {
    await using service = await startService();
    const problem = await readProblem(await service.request(path, { method }), "not_found");
    expect(problem.detail.length).toBeLessThan(6_000);
  });

  it.each([
    ["/", "POST", "GET, HEAD"],
    ["/v1/operations", "PUT", "GET, HEAD, POST"],
    ["/v1/operations/statuses", "DELETE", "GET, HEAD, POST"],
    ["/v1/operations/events", "DELETE", "GET, HEAD"],
    ["/v1/sessions", "DELETE", "GET, HEAD"],
    ["/v1/parked", "DELETE", "GET, HEAD"],
    ["/v1/parked/replay", "GET", "POST"],
    ["/metrics", "POST", "GET, HEAD"],
    ["/v1/session/create", "GET", "POST"],
    ["/events", "DELETE", "POST"],
    ["/v1/tick", "GET", "POST"],
    ["/v1/check", "POST", "GET, HEAD"],
    ["/livez", "PATCH", "GET, HEAD"],
    ["/v1/operations/x", "DELETE", "GET, HEAD"],
  ])("at %s by %s is 405 and names what is allowed", async (path, method, allowed) => {
    await using service = await startService();
    const response = await service.request(path, { method });
    expect(response.headers.get("allow")).toBe(allowed);
    const { detail } = await readProblem(response, "method_not_allowed");
    expect(detail).toContain(method);
  });

  it("names an unknown flow or type, and what there is", async () => {
    await using service = await startService();
    const flow = expectProblem(await service.post("/v1/sessoin/create", {}), "not_found");
    expect(flow.detail).toContain(
      "chat-messages, summarization, context-analysis, memory, session, activity, action, events",
    );
    expect(flow.errors?.[0]?.pointer).toBe("#/flow");
    const type = expectProblem(await service.post("/v1/session/end", {}), "not_found");
    expect(type.detail).toContain("create, update, delete");
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expectProblem(await service.post(`/v1/session/${name}`, {}), "not_found");
      expectProblem(await service.post(`/v1/${name}/create`, {}), "not_found");
    }
  });

  it.each(["", "text/plain", "application/xml", "application/jsonx", "multipart/form-data", "json"])(
    "with the media type %j is 415",
    async (type) => {
      await using service = await startService();
      for (const path of ["/v1/session/create", "/v1/operations", "/v1/operations/statuses", "/events"]) {
        const problem = expectProblem(await service.post(path, {}, { "content-type": type }), "unsupported_media_type");
        expect(problem.detail).toContain("application/json");
      }
    },
  );

  it("without any Content-Type is 415", async () => {
    await using service = await startService();
    const request = new Request("http://service.test/v1/session/create", { method: "POST", body: new Uint8Array(2) });
    expect(request.headers.get("content-type")).toBeNull();
    const { detail } = await readProblem(await service.app.request(request), "unsupported_media_type");
    expect(detail).toContain("no Content-Type");
  });

  it("takes any spelling of application/json", async () => {
    await using service = await startService();
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json;"]) {
      expect((await service.post("/v1/session/create", { id: "s" }, { "content-type": type })).status).toBe(202);
    }
  });

  it("in a process that only consumes takes no operations, and reads, ticks and reports all the same", async () => {
    await using service = await startService({ env: { ROLE: "consumer" } });
    expectProblem(await service.post("/v1/session/create", { id: "s" }), "not_found");
    const many = await service.post("/v1/operations", []);
    expectProblem(many, "method_not_allowed");
    expect(many.headers.get("allow")).toBe("GET, HEAD");
    expectProblem(await service.post("/events", { type: "t" }), "not_found");
    expect((await service.post("/v1/tick", {})).status).toBe(200);
    for (const path of ["/v1/check", "/readyz", "/metrics", "/v1/operations", "/v1/sessions", "/v1/parked"])
      expect((await service.request(path)).status, path).toBe(200);
  });
});
