// examples/worker: bundled by wrangler, run by workerd, with a service behind its binding.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { conversations } from "../support/excerpt.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { freePort } from "../support/tidegate-process.ts";
import { startWorkerd } from "../support/workerd.ts";

const root = resolve(import.meta.dirname, "../..");

/** Bundles the Worker; answers the folder with `worker.js` in it. */
function bundle(folder: string): void {
  const args = ["deploy", "--dry-run", "-c", "examples/worker/wrangler.toml", "--outdir", folder];
  const env = { PATH: process.env.PATH, HOME: folder, CI: "1", WRANGLER_SEND_METRICS: "false" };
  execFileSync(join(root, "node_modules/.bin/wrangler"), args, { cwd: root, env, stdio: "pipe" });
}

test("a Worker keeps conversations in Tidegate by its service binding", async () => {
  using folder = tempFolder();
  bundle(folder.root);
  // A binding calls it by whatever name stands in the Worker's URLs.
  await using service = await startServiceProcess(folder.root, { AUTH: "none" });
  const port = await freePort();
  writeFileSync(
    folder.path("config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "example", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-10-20",
      bindings = [(name = "TIDEGATE", service = "tidegate")],
    )),
    (name = "tidegate", external = (address = "${new URL(service.url).host}", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "example")],
);
`,
  );
  const url = `http://127.0.0.1:${port}/sessions`;
  await using _workerd = await startWorkerd(folder.path("config.capnp"), `${url}/nobody`);
  const [id, said] = [...conversations()][0]!;
  const say = (body: object, headers = {}): Promise<Response> =>
    fetch(`${url}/${id}`, { method: "POST", headers, body: JSON.stringify(body) });
  for (const { user, content } of said.slice(0, 5)) {
    expect(await (await say({ user, content })).json()).toMatchObject({ outcome: "applied", path: "kafka" });
  }
  const transcript = said.slice(0, 5).map(({ user, content }) => `${user}: ${content}\n`);
  expect(await (await fetch(`${url}/${id}`)).text()).toBe(transcript.join(""));
  const [last] = said.slice(5);
  const twice = [await say(last!, { "idempotency-key": "phone" }), await say(last!, { "idempotency-key": "phone" })];
  const [one, other] = await Promise.all(twice.map(async (response) => (await response.json()) as { id: string }));
  expect(one!.id).toBe(other!.id);
  const refused = await say({ user: "ada", content: "" });
  expect([refused.status, await refused.json()]).toMatchObject([
    422,
    { code: "invalid_input", errors: [{ pointer: "#/content" }] },
  ]);
}, 180_000);
