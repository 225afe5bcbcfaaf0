// A Kafka of its own that speaks SASL over TLS and lets nobody do what nobody allowed, for the time of one test file.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { jars } from "../stack/jars.ts";
import { findJava } from "../stack/java.ts";
import { properties, runJava } from "../stack/part.ts";
import { endPart, lastLines, spawnPart } from "../stack/part-process.ts";
import { freePorts } from "../stack/ports.ts";

export interface SecuredKafka extends AsyncDisposable {
  /** `host:port` of the listener with SASL over TLS. */
  readonly bootstrap: string;
  /** `host:port` of the listener for anybody on this machine, who may do everything. */
  readonly open: string;
  /** The certificate, in PEM; it is its own authority. */
  readonly certificate: string;
  readonly username: string;
  readonly password: string;
}

const JAVA_LEAST = 17;
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const LOGIN = "org.apache.kafka.common.security";

/** Starts it; the first request has to be repeated until it is ready. */
export async function startSecuredKafka(): Promise<SecuredKafka> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-secured-kafka-"));
  const [username, password] = ["gateway", randomBytes(12).toString("hex")];
  const [secured, open, controller] = await freePorts(3);
  const certificate = await makeCertificate(folder);
  const classpath = ["-cp", `${await jars("kafka", console.log)}/*`];
  const java = findJava(JAVA_LEAST).executable;
  const file = join(folder, "server.properties");
  const listener = "listener.name.sasl_ssl";
  writeFileSync(
    file,
    properties({
      "process.roles": "broker,controller",
      "node.id": 1,
      "controller.quorum.voters": `1@127.0.0.1:${controller}`,
      listeners: `SASL_SSL://127.0.0.1:${secured},OPEN://127.0.0.1:${open},CONTROLLER://127.0.0.1:${controller}`,
      "controller.listener.names": "CONTROLLER",
      "inter.broker.listener.name": "OPEN",
      "listener.security.protocol.map": "SASL_SSL:SASL_SSL,OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT",
      "log.dirs": join(folder, "data"),
      "offsets.topic.replication.factor": 1,
      "offsets.topic.num.partitions": 1,
      "auto.create.topics.enable": false,
      "log.cleaner.dedupe.buffer.size": 16_777_216,
      "sasl.enabled.mechanisms": MECHANISMS.join(","),
      [`${listener}.plain.sasl.jaas.config`]: `${LOGIN}.plain.PlainLoginModule required user_${username}="${password}";`,
      [`${listener}.scram-sha-256.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
      [`${listener}.scram-sha-512.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": join(folder, "keystore.pem"),
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:ANONYMOUS",
    }),
  );
  const scram = MECHANISMS.slice(1).flatMap((name) => [
    "--add-scram",
    `${name}=[name=${username},password=${password}]`,
  ]);
  const format = ["kafka.tools.StorageTool", "format", "-t", clusterId(), "-c", file, ...scram];
  await runJava(java, [...classpath, ...format]);
  const log = join(folder, "kafka.log");
  const command = { file: java, args: [`-Dtidegate.secured=${folder}`, "-Xmx384m", ...classpath, "kafka.Kafka", file] };
  const state = { command: { ...command, env: {} }, log, addresses: {}, pid: 0 };
  const part = { ...state, pid: await spawnPart(state) };
  return {
    bootstrap: `127.0.0.1:${secured}`,
    open: `127.0.0.1:${open}`,
    certificate,
    username,
    password,
    async [Symbol.asyncDispose]() {
      await endPart(part, "SIGKILL");
      if (process.env.DEBUG !== undefined) console.log(lastLines(log));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A certificate for loopback, and its key, as Kafka reads them from one file. */
async function makeCertificate(folder: string): Promise<string> {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate];
  await promisify(execFile)("openssl", ["req", ...options, ...names]);
  const text = readFileSync(certificate, "utf8");
  writeFileSync(join(folder, "keystore.pem"), `${readFileSync(key, "utf8")}${text}`, { mode: 0o600 });
  return text;
}

function clusterId(): string {
  const id = randomBytes(16);
  // The tool takes an id that begins with "-" for an option.
  id[0]! &= 0x7f;
  return id.toString("base64url");
}
