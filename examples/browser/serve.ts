// Serves the page and the client's modules to a browser, as they lie in the package: nothing is bundled.
//
//   npm run package && node examples/browser/serve.ts dist/package        (an installed one: node_modules/tidegate)
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";

const tidegate = resolve(process.argv[2] ?? "node_modules/tidegate");
const page = import.meta.dirname;

/** Files by their paths; any other path is none. */
function fileOf(path: string): string | undefined {
  if (path === "/") return join(page, "index.html");
  if (path === "/app.js") return join(page, "app.js");
  // The client, and the few modules of the domain that it loads.
  if (/^\/tidegate\/src\/(client|domain)\/[\w-]+\.js$/.test(path))
    return join(tidegate, path.slice("/tidegate/".length));
  return undefined;
}

const server = createServer(async (request, response) => {
  const file = fileOf(new URL(request.url ?? "/", "http://page").pathname);
  const body = file === undefined ? undefined : await readFile(file).catch(() => undefined);
  if (file === undefined || body === undefined) return response.writeHead(404).end();
  const type = file.endsWith(".html") ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8";
  response.writeHead(200, { "content-type": type }).end(body);
});

server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.error(`The page is at http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
