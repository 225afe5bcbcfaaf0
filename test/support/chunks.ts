// Bodies that come in chunks as a test cuts them.

/** A body of chunks, each made when it is asked for. */
export function chunked(chunks: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const waiting = chunks[Symbol.iterator]();
  return new ReadableStream(
    {
      pull(controller) {
        const { done, value } = waiting.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Bytes one by one, all in the same chunk: the next overwrites the last. Who keeps chunks rather than what is in them has the
 * wrong bytes in the end, and would keep hundreds of bytes for each.
 */
export function* byteByByte(bytes: Uint8Array): Generator<Uint8Array> {
  const chunk = new Uint8Array(1);
  for (const byte of bytes) {
    chunk[0] = byte;
    yield chunk;
  }
}

/** A request with that body, of undeclared length. */
export function chunkedRequest(chunks: Iterable<Uint8Array>, type = "application/json"): Request {
  const init = { method: "POST", headers: { "content-type": type }, body: chunked(chunks), duplex: "half" };
  return new Request("http://127.0.0.1/", init);
}
