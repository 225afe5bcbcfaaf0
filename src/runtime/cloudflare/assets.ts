// Files of the API page: static assets beside the bundle.
import type { Fetcher } from "@cloudflare/workers-types";
import type { Service } from "../../http/service.ts";

type Assets = NonNullable<Service["asset"]>;

/** Reads assets by name; undefined where the Worker was deployed without any. */
export function workerAssets(assets: Fetcher | undefined): Assets | undefined {
  if (assets === undefined) return undefined;
  return async (name) => {
    const address = new URL(encodeURIComponent(name), "http://assets.local/docs/assets/");
    const response = await assets.fetch(address.href);
    if (!response.ok) return undefined;
    const type = response.headers.get("content-type") ?? "application/octet-stream";
    return { body: new Uint8Array(await response.arrayBuffer()), type };
  };
}
