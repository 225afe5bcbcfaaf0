// One POST over a connection that is kept. node:http takes half the processor time of fetch here, and the import shares
// its processors with the service.
import * as http from "node:http";
import * as https from "node:https";

/** A whole answer. */
export interface Reply {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

export interface PostOptions {
  readonly headers: { readonly [name: string]: string };
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const agents = { "http:": new http.Agent({ keepAlive: true }), "https:": new https.Agent({ keepAlive: true }) };

/** Posts a text; rejects with node's connection errors, also when the answer is cut off. */
export function post(url: string, text: string, { headers, timeoutMs, signal }: PostOptions): Promise<Reply> {
  const target = new URL(url);
  const isHttps = target.protocol === "https:";
  const body = Buffer.from(text);
  return new Promise((resolve, reject) => {
    const request = (isHttps ? https : http).request(target, {
      method: "POST",
      agent: isHttps ? agents["https:"] : agents["http:"],
      headers: { ...headers, "content-length": body.byteLength },
      signal,
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)), timeoutMs);
    request.on("close", () => clearTimeout(timer));
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const retryAfter = response.headers["retry-after"];
        resolve({ status: response.statusCode ?? 0, retryAfter, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.end(body);
  });
}
