// The pages of a running process: what they load is there.
import { expect, it } from "vitest";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

it("the API page and everything it loads come from the process itself", async () => {
  using folder = tempFolder();
  await using service = await startServiceProcess(folder.root);
  const page = await (await fetch(`${service.url}/docs`)).text();
  const addresses = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, address]) => address!);
  expect(addresses).toContain("/docs/assets/swagger-ui-bundle.js");
  for (const address of addresses) {
    const response = await fetch(service.url + address);
    expect(response.status, address).toBe(200);
    expect((await response.arrayBuffer()).byteLength, address).toBeGreaterThan(200);
  }
});
