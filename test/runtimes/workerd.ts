// workerd with the built Worker: the realistic stand-in for the platform on one machine. Its configuration is written anew
// for each service, because bindings and ports are part of it.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../support/tidegate-process.ts";
import { type Place, ROOT, type Runtime } from "./runtime.ts";

/** The program itself: the package's command is a wrapper that passes no signal on. */
export const WORKERD = join(
  ROOT,
  `node_modules/@cloudflare/workerd-${process.platform}-${process.arch === "x64" ? "64" : "arm64"}/bin/workerd`,
);
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const MODULES = join(ROOT, "dist/worker");

/** Variables of every service of the tests. */
const VARIABLES: Env = { AUTH: "none", ID_SECRET: "a secret of the tests" };

/** What a platform's operator would set; what only a process needs is left out. */
function variablesOf(env: Env): Env {
  const { PORT: _, DATA_DIR: __, API_KEYS, ...rest } = env;
  const { AUTH, ...secret } = VARIABLES;
  return API_KEYS === undefined ? { ...secret, AUTH: AUTH!, ...rest } : { ...secret, API_KEYS, ...rest };
}

export function compatibilityDate(): string {
  return /^compatibility_date = "(.+)"$/m.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8"))![1]!;
}

/** A Worker that calls the other's scheduled handler when it is asked to: workerd has no cron of its own. */
const CRON = `export default {
  async fetch(request, env) {
    const scheduledTime = new Date(Number(new URL(request.url).searchParams.get("time")));
    return Response.json(await env.TIDEGATE.scheduled({ cron: "* * * * *", scheduledTime }));
  },
};`;

/** Writes a configuration; answers its path. `bound` names the bindings other than variables. */
function writeConfig({ folder, port, sidePort, env }: Place, options: Required<WorkerdOptions>): string {
  const { modules, bound, cron } = options;
  const storage = join(folder, "storage");
  mkdirSync(storage, { recursive: true });
  const text = JSON.stringify;
  const names = readdirSync(modules).filter((name) => /\.(js|txt)$/.test(name));
  // What is embedded has to lie beside the configuration.
  for (const name of names) copyFileSync(join(modules, name), join(folder, name));
  const ordered = ["worker.js", ...names.filter((name) => name !== "worker.js")];
  const bindings = [
    ...(bound ? [`(name = "TIDEGATE", durableObjectNamespace = "TidegateObject")`] : []),
    ...Object.entries(variablesOf(env)).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
  ];
  const file = join(folder, "workerd.capnp");
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "tidegate", worker = .tidegate),
    ${cron ? `(name = "cron", worker = .cron),` : ""}
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = "tidegate"),
    ${cron ? `(name = "cron", address = "127.0.0.1:${sidePort}", http = (), service = "cron"),` : ""}
  ],
);
const cron :Workerd.Worker = (
  compatibilityDate = ${text(compatibilityDate())},
  compatibilityFlags = ["service_binding_extra_handlers"],
  modules = [(name = "cron.js", esModule = ${text(CRON)})],
  bindings = [(name = "TIDEGATE", service = "tidegate")],
);
const tidegate :Workerd.Worker = (
  compatibilityDate = ${text(compatibilityDate())},
  modules = [
    ${ordered.map((name) => `(name = ${text(name)}, ${name.endsWith(".js") ? "esModule" : "text"} = embed ${text(name)})`).join(",\n    ")},
  ],
  bindings = [
    ${bindings.join(",\n    ")},
  ],
  durableObjectNamespaces = [(className = "TidegateObject", uniqueKey = "tidegate", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
);
`,
  );
  return file;
}

/** How workerd serves the Worker, other than as it is built and configured. */
export interface WorkerdOptions {
  /** Folder of the built modules. */
  readonly modules?: string;
  /** Whether the Durable Object is bound. */
  readonly bound?: boolean;
  /** Whether a second Worker stands ready to call the scheduled handler. */
  readonly cron?: boolean;
}

/** workerd, serving a built Worker. */
export function workerdRuntime({ modules = MODULES, bound = true, cron = true }: WorkerdOptions = {}): Runtime {
  return {
    name: "workerd",
    stops: "at once",
    // Calling the scheduled handler of another Worker is what only the experiment allows.
    start: (at) => [WORKERD, "serve", ...(cron ? ["--experimental"] : []), writeConfig(at, { modules, bound, cron })],
    cron: ({ sidePort }) => `http://127.0.0.1:${sidePort}/`,
  };
}

export const WORKERD_RUNTIME = workerdRuntime();

export const WRANGLER_RUNTIME: Runtime = {
  name: "wrangler",
  stops: "at once",
  env: {
    WRANGLER_SEND_METRICS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    CI: "1",
  },
  cron: ({ port }) => `http://127.0.0.1:${port}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*&format=json`,
  start: ({ folder, port, sidePort, env }) => {
    // Instead of .dev.vars, which would be read otherwise.
    const file = join(folder, "variables.env");
    const lines = Object.entries(variablesOf(env)).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    writeFileSync(file, `${lines.join("\n")}\n`);
    return [
      ...([process.execPath, WRANGLER, "dev", "--show-interactive-dev-session=false", "--env-file", file] as const),
      ...["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", String(sidePort)],
      ...["--persist-to", join(folder, "state")],
    ];
  },
};
