// Pages of other origins: without keys nothing but the service's own pages, programs and allowed origins changes anything.
import { describe, expect, it } from "vitest";
import { apiKeys, bearer } from "../support/keys.ts";
import { readProblem } from "../support/problem.ts";
import { type ServiceOptions, startService } from "../support/service.ts";

const HOST = "http://tidegate.example:8787";
const ELSEWHERE = "https://elsewhere.example";
/** What a page can send without being asked about it first: no body, or one of a plain type. */
const SIMPLE = ["/v1/tick", "/v1/parked/discard", "/v1/parked/replay"];

async function statusOf(options: ServiceOptions, headers: Record<string, string>, path = "/v1/tick", method = "POST") {
  await using service = await startService(options);
  return (await service.request(HOST + path, { method, headers })).status;
}

describe("without keys a page of another origin", () => {
  it.each(SIMPLE)("may not send to %s, and nothing happens", async (path) => {
    await using service = await startService();
    await service.gateway.broker.produce([{ topic: "session-operations", key: "k", value: "oops" }]);
    if (path !== "/v1/tick") await service.tickToRest();
    const before = (await service.get("/v1/check")).body;
    const response = await service.request(HOST + path, { method: "POST", headers: { origin: ELSEWHERE } });
    const { detail } = await readProblem(response, "origin_not_allowed");
    expect(detail).toContain(ELSEWHERE);
    expect((await service.get("/v1/check")).body).toEqual(before);
  });

  it.each(["POST", "PUT", "PATCH", "DELETE"])("may send no %s", async (method) => {
    expect(await statusOf({}, { origin: ELSEWHERE }, "/v1/operations", method)).toBe(403);
  });

  it.each([
    "null",
    "",
    "https://tidegate.example",
    "http://tidegate.example:8788",
    "http://tidegate.example.evil.example:8787",
  ])("is one of %j too", async (origin) => expect(await statusOf({}, { origin })).toBe(403));

  it("of the same site is one too", async () => {
    expect(await statusOf({}, { origin: ELSEWHERE, "sec-fetch-site": "same-site" })).toBe(403);
  });

  it("may ask for what changes nothing, though it cannot read the answer", async () => {
    expect(await statusOf({}, { origin: ELSEWHERE }, "/livez", "GET")).toBe(200);
  });

  it.each([ELSEWHERE, `https://other.example,${ELSEWHERE}`, "*"])("may when CORS_ORIGINS is %s", async (origins) => {
    expect(await statusOf({ env: { CORS_ORIGINS: origins } }, { origin: ELSEWHERE })).toBe(200);
  });

  it("may not when CORS_ORIGINS names others", async () => {
    expect(await statusOf({ env: { CORS_ORIGINS: "https://other.example" } }, { origin: ELSEWHERE })).toBe(403);
  });
});

describe("without keys", () => {
  it("programs may, which send no origin", async () => expect(await statusOf({}, {})).toBe(200));

  it("the service's own pages may, also behind a proxy that ends TLS", async () => {
    expect(await statusOf({}, { origin: HOST })).toBe(200);
    expect(await statusOf({}, { origin: HOST.replace("http:", "https:") })).toBe(200);
  });

  it("the service's own pages may behind a proxy that names another host", async () => {
    expect(await statusOf({}, { origin: ELSEWHERE, "sec-fetch-site": "same-origin" })).toBe(200);
  });
});

describe("with keys", () => {
  it("pages are asked for one, whatever their origin", async () => {
    const options = { env: { API_KEYS: apiKeys({ operator: ["default", "admin"] }) } };
    expect(await statusOf(options, { origin: ELSEWHERE })).toBe(401);
    expect(await statusOf(options, { origin: ELSEWHERE, ...bearer("operator") })).toBe(200);
  });
});
