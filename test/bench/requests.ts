// Clients that send requests over plain sockets, each waiting for its answer, so that the load costs as little as it can
// beside what it measures.
import { connect, type Socket } from "node:net";

/** What came of a load; times in milliseconds. */
export interface Load {
  /** Answers per second. */
  readonly rate: number;
  /** Answers of another status. */
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Answers that took `waitMs` or longer, and the longest of the others. */
  readonly waited: number;
  readonly maxOfOthers: number;
}

export interface LoadOptions {
  readonly url: string;
  /** Sent one after the other, over and over. */
  readonly requests: readonly Buffer[];
  readonly clients: number;
  readonly total: number;
  /** The status that counts as an answer; any 2xx when undefined. */
  readonly status?: number;
  readonly waitMs?: number;
}

/** A request as it goes over the wire. */
export function rawRequest(url: string, line: string, body?: string, type = "application/json"): Buffer {
  const { host } = new URL(url);
  const head = [`${line} HTTP/1.1`, `Host: ${host}`];
  if (body !== undefined) head.push(`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body ?? ""}`);
}

/** Sends until all are answered, each client one at a time over one kept connection. */
export async function sendAll({
  url,
  requests,
  clients,
  total,
  status,
  waitMs = Infinity,
}: LoadOptions): Promise<Load> {
  const { hostname, port } = new URL(url);
  const wanted = status === undefined ? "HTTP/1.1 2" : `HTTP/1.1 ${status} `;
  const milliseconds = new Float64Array(total);
  let sent = 0;
  let failed = 0;

  const client = (): Promise<void> =>
    new Promise((resolve, reject) => {
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
        socket.write(requests[n % requests.length]!);
      };
      socket.setEncoding("latin1");
      socket.on("data", (chunk: string) => {
        answer += chunk;
        if (!isWhole(answer)) return;
        milliseconds[n] = performance.now() - began;
        if (!answer.startsWith(wanted)) failed++;
        next();
      });
      socket.on("error", reject);
      // Nothing, where everything was answered.
      socket.on("close", () => reject(new Error(`The server closed a connection with a request under way: ${answer}`)));
      socket.on("connect", next);
    });

  const began = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - began) / 1_000;
  milliseconds.sort();
  const percentile = (p: number): number => Math.round(milliseconds[Math.floor((total - 1) * p)]! * 100) / 100;
  const waited = milliseconds.filter((ms) => ms >= waitMs).length;
  return {
    rate: total / seconds,
    failed,
    p50: percentile(0.5),
    p99: percentile(0.99),
    max: percentile(1),
    waited,
    maxOfOthers: milliseconds.at(-waited - 1) ?? 0,
  };
}

/** Whether the answer's body has come in full: it declares its length, or comes in chunks. */
function isWhole(answer: string): boolean {
  const head = answer.indexOf("\r\n\r\n");
  if (head < 0) return false;
  if (answer.endsWith("\r\n0\r\n\r\n") && /\r\ntransfer-encoding: chunked\r\n/i.test(answer.slice(0, head + 2)))
    return true;
  const length = /content-length: (\d+)/i.exec(answer.slice(0, head));
  return length !== null && answer.length >= head + 4 + Number(length[1]);
}
