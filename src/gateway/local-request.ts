// Requests to a gateway in this process.

const encoder = new TextEncoder();

/** What a request is made of. */
export interface LocalParts {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal | null;
}

/**
 * As much of a request as the gateway reads. A web request puts its text into a stream and follows its signal by one of
 * its own, which takes as long as appending the records of a small produce.
 */
export function localRequest(url: string, { method, headers, body, signal }: LocalParts): Request {
  const bytes = encoder.encode(body ?? "");
  const read: Pick<Request, "url" | "method" | "headers" | "arrayBuffer"> = {
    url,
    method,
    headers: new Headers({ ...headers, "content-length": String(bytes.byteLength) }),
    arrayBuffer: async () => bytes.buffer,
  };
  return { ...read, signal: signal ?? undefined } as Request;
}
