// Load from a process of its own: clients that post single messages, each waiting for its answer. Plain sockets, so that the
// load costs as little as it can beside what it measures. Prints one JSON line. Usage: load.ts URL DATA CLIENTS REQUESTS
import { connect, type Socket } from "node:net";
import { readOperations } from "./operations.ts";

const [url = "", data = "", clients = "32", requests = "1000"] = process.argv.slice(2);
const total = Number(requests);
const { hostname, port } = new URL(url);
const posts = readOperations(data, 4_000)
  .filter(({ flow }) => flow === "chat-messages")
  .map(({ data: { id: _, ...rest } }) => rawPost(JSON.stringify(rest)));
const milliseconds = new Float64Array(total);
let sent = 0;
let failed = 0;

function rawPost(body: string): Buffer {
  const head = [
    "POST /v1/chat-messages/create HTTP/1.1",
    `Host: ${hostname}:${port}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** Posts until all are sent, one at a time, over one kept connection. */
function client(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    let n = 0;
    let began = 0;
    let answer = "";
    const next = (): void => {
      if (sent >= total) {
        socket.destroy();
        resolve();
        return;
      }
      n = sent++;
      began = performance.now();
      answer = "";
      socket.write(posts[n % posts.length]!);
    };
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (!isWhole(answer)) return;
      milliseconds[n] = performance.now() - began;
      if (!answer.startsWith("HTTP/1.1 202")) failed++;
      next();
    });
    socket.on("error", reject);
    socket.on("connect", next);
  });
}

/** Whether the answer's body has come in full; both servers declare its length. */
function isWhole(answer: string): boolean {
  const head = answer.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const length = /content-length: (\d+)/i.exec(answer.slice(0, head));
  return length !== null && answer.length >= head + 4 + Number(length[1]);
}

const began = performance.now();
await Promise.all(Array.from({ length: Number(clients) }, client));
const seconds = (performance.now() - began) / 1_000;
milliseconds.sort();
const percentile = (p: number): number => Math.round(milliseconds[Math.floor((total - 1) * p)]! * 100) / 100;
console.log(JSON.stringify({ rate: total / seconds, failed, p50: percentile(0.5), p99: percentile(0.99) }));
