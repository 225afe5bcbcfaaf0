// A webhook that answers after 20 milliseconds with a small JSON body. `GET /` says when the first call came, on the clock
// of all processes, and how many there were and stand open; `DELETE /` forgets them.
import { createServer } from "node:http";

const ANSWER_MS = 20;
const ANSWER = JSON.stringify({ ok: true, reference: "0123456789abcdef" });

let firstMs = 0;
let calls = 0;
let open = 0;
let openMax = 0;

const server = createServer((request, response) => {
  if (request.method !== "POST") {
    if (request.method === "DELETE") firstMs = calls = openMax = 0;
    response.end(JSON.stringify({ firstMs, calls, openMax }));
    return;
  }
  calls++;
  if (calls === 1) firstMs = performance.timeOrigin + performance.now();
  openMax = Math.max(openMax, ++open);
  request.resume();
  setTimeout(() => {
    open--;
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": ANSWER.length }).end(ANSWER);
  }, ANSWER_MS);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null)
    process.stderr.write(`Webhook listens on http://127.0.0.1:${address.port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
