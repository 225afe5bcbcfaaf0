// The bare route on each runtime, started as the service is.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { Runtime } from "../runtimes/runtime.ts";
import { compatibilityDate, WORKERD } from "../runtimes/workerd.ts";
import { root } from "./child.ts";

const SERVER = join(root, "test/bench/bare-server.ts");

/** The bare route on a runtime that runs programs, behind the same HTTP server. */
export function bareOn({ name, program }: Runtime): Runtime {
  return { name: `${name}, bare`, start: () => program!(SERVER), stops: "at once" };
}

/** The bare route in workerd; `bundle` is what `bundleBareWorker` made. */
export function bareInWorkerd(bundle: string): Runtime {
  return {
    name: "workerd, bare",
    stops: "at once",
    start: ({ folder, port }) => {
      const file = join(folder, "bare.capnp");
      writeFileSync(file, configOf(port, bundle));
      return [WORKERD, "serve", file];
    },
  };
}

/** Bundles the bare Worker as the service's own is bundled; answers the module's text. */
export async function bundleBareWorker(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["test/bench/bare-worker.ts"],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
  });
  return outputFiles[0]!.text;
}

function configOf(port: number, bundle: string): string {
  const text = JSON.stringify;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "bare", worker = (
    compatibilityDate = ${text(compatibilityDate())},
    modules = [(name = "worker.js", esModule = ${text(bundle)})],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "bare")],
);
`;
}
