// A page can have its own name lead to 127.0.0.1 (DNS rebinding). Without keys a server on loopback answers to no such name.
import { request } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { startGateway } from "../../src/runtime/gateway-node.ts";
import { startNode } from "../../src/runtime/node.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** Asks for what stands at `url` by another name, as a browser would that was led there. */
function askBy(host: string, url: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(url + path, { headers: { host }, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.once("error", reject).end();
  });
}

function folder(): string {
  const made = tempFolder();
  onTestFinished(() => made[Symbol.dispose]());
  return made.root;
}

async function service(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const running = await startNode({ PORT: "0", DATA_DIR: folder(), LOG_LEVEL: "error", ...env });
  onTestFinished(() => running.stop());
  return running.url;
}

async function gateway(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const given = { LOG_LEVEL: "error", ...env };
  const running = await startGateway({ host: "127.0.0.1", port: 0, dataDir: folder() }, given);
  onTestFinished(() => running.stop());
  return running.url;
}

const ATTACKERS = "rebound.example:8787";
const OWN = ["localhost:8787", "LOCALHOST", "127.0.0.1:8787", "127.1.2.3", "[::1]:8787", "tidegate.localhost:8787"];
const OTHERS = [ATTACKERS, "127.0.0.1.rebound.example", "localhost.rebound.example", "xlocalhost", "10.0.0.1", "[::2]"];

describe("a service without keys on loopback", () => {
  it("answers to this machine's names, and to no others", async () => {
    const url = await service();
    for (const host of OWN) expect([host, (await askBy(host, url, "/livez")).status]).toEqual([host, 200]);
    for (const host of OTHERS) expect([host, (await askBy(host, url, "/livez")).status]).toEqual([host, 403]);
    const { text } = await askBy(ATTACKERS, url, "/v1/dump");
    const problem = JSON.parse(text) as { code: string; detail: string };
    expect(problem.code).toBe("origin_not_allowed");
    expect(problem.detail).toContain(ATTACKERS);
    expect(problem.detail).toContain("CORS_ORIGINS");
  });

  it("answers to the hosts of allowed origins", async () => {
    const url = await service({ CORS_ORIGINS: "https://app.example,http://tide.example:8080" });
    expect((await askBy("app.example", url, "/livez")).status).toBe(200);
    expect((await askBy("tide.example:8080", url, "/livez")).status).toBe(200);
    expect((await askBy("tide.example", url, "/livez")).status).toBe(403);
  });

  it.each([{ AUTH: "none" }, { CORS_ORIGINS: "*" }])("answers to every name with %j", async (env) => {
    expect((await askBy(ATTACKERS, await service(env), "/livez")).status).toBe(200);
  });
});

describe("a gateway without credentials on loopback", () => {
  it("answers to this machine's names, and to no others", async () => {
    const url = await gateway();
    for (const host of OWN) expect([host, (await askBy(host, url, "/topics")).status]).toEqual([host, 200]);
    for (const host of OTHERS) expect([host, (await askBy(host, url, "/topics")).status]).toEqual([host, 403]);
    const { text } = await askBy(ATTACKERS, url, "/topics");
    expect(JSON.parse(text)).toMatchObject({ error_code: 40301, message: expect.stringContaining(ATTACKERS) });
  });

  it.each([{ AUTH: "none" }, { GATEWAY_TOKENS: "a token that is long enough" }])(
    "leaves names alone with %j",
    async (env) => expect((await askBy(ATTACKERS, await gateway(env), "/topics")).text).not.toContain(ATTACKERS),
  );
});
