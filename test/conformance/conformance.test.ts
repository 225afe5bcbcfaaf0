// The suite itself: a service in this process conforms, and one that is wrong in some way does not.
import { expect, it } from "vitest";
import { loopback } from "../support/gateway-bundle.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { acceptCases } from "./accept-cases.ts";
import { conform } from "./conform.ts";
import { operationCases } from "./operation-cases.ts";
import { serviceCases } from "./service-cases.ts";

const CASES = [...acceptCases, ...operationCases, ...serviceCases];

/** What the suite finds at a service whose answers go through `spoil`. */
async function failedOf(spoil: (response: Response, service: ServiceUnderTest) => Response | Promise<Response>) {
  await using service = await startService();
  const fetch = async (request: Request): Promise<Response> => spoil(await service.app.fetch(request), service);
  await using server = await loopback({ fetch });
  const target = { url: server.url, key: undefined, gateway: undefined, path: "kafka" } as const;
  const verdicts = await conform(target, CASES);
  return verdicts.filter(({ verdict }) => verdict === "FAILED").map(({ name }) => name.split(":")[0]!);
}

it("finds nothing at a service that conforms", async () => {
  expect(await failedOf((response) => response)).toEqual([]);
});

it("finds a service that forgets headers", async () => {
  const found = await failedOf((response) => {
    const headers = new Headers(response.headers);
    headers.delete("location");
    headers.delete("allow");
    return new Response(response.body, { status: response.status, headers });
  });
  expect(found).toEqual(["path", "Prefer", "problems"]);
});

it("finds a service that gets a status wrong", async () => {
  const found = await failedOf((response) =>
    response.status === 422 ? new Response(response.body, { status: 400, headers: response.headers }) : response,
  );
  expect(found).toContain("Idempotency-Key");
  expect(found).toContain("problems");
  expect(found).toContain("limits");
});
