// Every command of docs/kafka_testing.md, in one shell, as a reader would type them.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../stack/ports.ts";
import { readStack } from "../stack/read-stack.ts";

readStack();
const root = resolve(import.meta.dirname, "../..");
const BOUND_MS = 400_000;
const OUTPUT_SHOWN = 6_000;

/** Lines that the runner of these tests has typed already, or will. */
const AROUND = ["npm run stack -- --detach", "npm run test:e2e", "npm run stack:stop"];

const lines = [
  ...readFileSync(resolve(root, "docs/kafka_testing.md"), "utf8").matchAll(/^```sh\n(.*?)^```$/gms),
].flatMap(([, block]) => block!.trimEnd().split("\n"));

function hasKcat(): boolean {
  try {
    execFileSync("kcat", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("\n!!! skipped: the commands of docs/kafka_testing.md: kcat is not installed !!!\n\n");
    return false;
  }
}

test.skipIf(!hasKcat())(
  "the commands of docs/kafka_testing.md run, all of them, from an empty stack to the accounting",
  // A second try would find the parts as the first one left them.
  { timeout: BOUND_MS + 20_000, retry: 0 },
  async () => {
    expect(lines.filter((line) => AROUND.includes(line))).toEqual(AROUND);
    const [gatewayPort, port] = await freePorts(2);
    const script = lines
      .filter((line) => !AROUND.includes(line))
      .join("\n")
      .replace("gateway_port=8085 port=8795", `gateway_port=${gatewayPort} port=${port}`);
    expect(script).toContain(`port=${port}`);
    const child = spawn("bash", ["-euo", "pipefail", "-c", script], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const end = () => {
      try {
        process.kill(-child.pid!, "SIGTERM");
      } catch {
        // All of it has ended.
      }
    };
    onTestFinished(end);
    const timer = setTimeout(end, BOUND_MS);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    // Not "close": what a failed script leaves running holds the pipes.
    const [code] = await once(child, "exit");
    clearTimeout(timer);
    const said = output
      .split("\n")
      .filter((line) => !line.startsWith('{"@timestamp"'))
      .join("\n");
    expect(code, said.slice(-OUTPUT_SHOWN)).toBe(0);
  },
);
