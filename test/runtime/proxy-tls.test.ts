// A proxy behind TLS that asks for a client certificate, before a broker that shows one.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { flows } from "../../src/flows/index.ts";
import { openBroker } from "../../src/runtime/broker-node.ts";
import { karapaceProxy } from "../support/proxies/karapace.ts";
import { tempFolder } from "../support/temp-folder.ts";

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    console.log("skipped: TLS to a proxy, openssl is missing");
    return false;
  }
}

/** A certificate of its own authority, for this machine. */
function makePair(folder: ReturnType<typeof tempFolder>, name: string): { cert: string; key: string } {
  const [cert, key] = [folder.path(`${name}.pem`), folder.path(`${name}.key`)];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  execFileSync("openssl", [...args, "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
  return { cert, key };
}

describe.skipIf(!hasOpenssl())("a proxy that asks for a client certificate", () => {
  const start = async () => {
    const folder = tempFolder();
    const [server, client] = [makePair(folder, "server"), makePair(folder, "client")];
    const proxy = karapaceProxy({ orders: 1 });
    const listener = createServer(
      {
        cert: readFileSync(server.cert),
        key: readFileSync(server.key),
        ca: readFileSync(client.cert),
        requestCert: true,
        rejectUnauthorized: true,
      },
      getRequestListener(proxy.app.fetch),
    );
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(listener.address() as AddressInfo).port}?dialect=karapace`;
    const open = async (env: Record<string, string>) => {
      const opened = await openBroker(parseConfig({ KAFKA_URL: url, ...env }, flows), () => undefined);
      onTestFinished(() => opened.close());
      return opened;
    };
    onTestFinished(() => {
      listener.closeAllConnections();
      listener.close();
      folder[Symbol.dispose]();
    });
    return { open, server, client };
  };

  it("is produced to and read from with the certificate, its key and the authority", async () => {
    const { open, server, client } = await start();
    const { broker, diagnose } = await open({
      KAFKA_TLS_CERT: client.cert,
      KAFKA_TLS_KEY: client.key,
      KAFKA_TLS_CA: server.cert,
    });
    expect(await diagnose()).toBeNull();
    const [result] = await broker.produce([{ topic: "orders", key: "k", value: "v" }]);
    expect(result).toEqual({ status: "ok", partition: 0, offset: 0 });
    const from = [{ topic: "orders", partition: 0, offset: 0 }];
    const [read] = await broker.read(from, { waitMs: 0, bytesMax: 1_000_000, recordsMax: 10 });
    expect(read!.records).toHaveLength(1);
  });

  it("whose authority nobody named is not trusted, and that is said", async () => {
    const { open, client } = await start();
    const { broker, diagnose } = await open({ KAFKA_TLS_CERT: client.cert, KAFKA_TLS_KEY: client.key });
    expect(await diagnose()).toMatch(/certificate of 127\.0\.0\.1:\d+ is not to be trusted.*set KAFKA_TLS_CA/);
    const [result] = await broker.produce([{ topic: "orders", key: "k", value: "v" }]);
    expect(result!.status).not.toBe("ok");
  });

  it("hangs up on those without one", async () => {
    const { open, server } = await start();
    const { broker, diagnose } = await open({ KAFKA_TLS_CA: server.cert });
    expect(await diagnose()).not.toBeNull();
    await expect(broker.topics(["orders"])).rejects.toMatchObject({ code: "broker_unavailable" });
  });

  it("settles when its signal aborts", async () => {
    const { open, server, client } = await start();
    const { broker } = await open({
      KAFKA_TLS_CERT: client.cert,
      KAFKA_TLS_KEY: client.key,
      KAFKA_TLS_CA: server.cert,
    });
    const from = [{ topic: "orders", partition: 0, offset: 0 }];
    const budget = { waitMs: 20_000, bytesMax: 1_000, recordsMax: 1, signal: AbortSignal.timeout(200) };
    const beganMs = performance.now();
    await broker.read(from, budget).catch(() => undefined);
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  });
});

it("a certificate file that is not there is named", async () => {
  const env = { KAFKA_URL: "https://127.0.0.1:1", KAFKA_TLS_CA: "/nowhere/ca.pem" };
  await expect(openBroker(parseConfig(env, flows), () => undefined)).rejects.toThrow(
    /Cannot read KAFKA_TLS_CA: .*nowhere/,
  );
});
