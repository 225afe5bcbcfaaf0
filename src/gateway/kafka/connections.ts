// Connections to brokers. A broker answers the requests of one connection strictly in turn, so what may wait (reads)
// never shares one with what may not (appends, metadata).
import { isIP } from "node:net";
import { Connection, type ConnectionOptions, findErrorBy } from "@platformatic/kafka";
import { LogError } from "../log.ts";
import type { BrokerAddress, KafkaOptions, KafkaTiming } from "./options.ts";

/** What a shared connection is for. */
export type Lane = "append" | "read" | "control";

/** A request went out and no answer came back: it may have been carried out, or be carried out later. */
export class LostError extends Error {
  override name = "LostError";
}

/** A connection of one's own for the time being. */
export interface Lease extends Disposable {
  readonly connection: Connection;
}

export interface Connections {
  /** The connection of a lane, opened when it is not there. Rejects with LogError: nothing was sent. */
  shared(address: BrokerAddress, lane: Lane): Promise<Connection>;
  /** A connection that nobody else uses; undefined when none becomes free within `waitMs`. Rejects with LogError. */
  lease(address: BrokerAddress, waitMs: number): Promise<Lease | undefined>;
  /** Ends reads that wait, gives the other requests a while to be answered, and takes no new ones. */
  close(): Promise<void>;
}

/** How long requests under way may take to be answered once the log is closed. */
const CLOSE_MS = 3_000;
/** Connections one broker may hold for reads that wait, at the same time. */
const LEASES_MAX = 64;
/** Idle connections kept for the next reads that wait. */
const IDLE_MAX = 8;
/** Requests under way on one connection; the broker takes them from the socket in turn. */
const IN_FLIGHT_MAX = 1_000;
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 2_000;

/** Everything known about one broker. */
interface Peer {
  readonly address: BrokerAddress;
  readonly lanes: Map<Lane, Promise<Connection>>;
  readonly idle: Connection[];
  readonly waiters: Set<() => void>;
  leased: number;
  failures: number;
  retryAtMs: number;
  failure: LogError | undefined;
}

export function createConnections(options: KafkaOptions, timing: KafkaTiming): Connections {
  const peers = new Map<string, Peer>();
  const open = new Set<Connection>();
  const leased = new Set<Connection>();
  let closed = false;

  const peerOf = (address: BrokerAddress): Peer => {
    const key = `${address.host}:${address.port}`;
    let peer = peers.get(key);
    if (peer === undefined) {
      const waiters = new Set<() => void>();
      const fresh = { leased: 0, failures: 0, retryAtMs: 0, failure: undefined };
      peer = { address, lanes: new Map(), idle: [], waiters, ...fresh };
      peers.set(key, peer);
    }
    return peer;
  };

  /** Opens a connection, unless it failed a moment ago: between attempts there is a growing, bounded pause. */
  const connect = async (peer: Peer): Promise<Connection> => {
    if (closed) throw new LogError("unreachable", "The log is closed");
    if (peer.failure !== undefined && performance.now() < peer.retryAtMs) throw peer.failure;
    const { host, port } = peer.address;
    const connection = new Connection("tidegate-gateway", connectionOptions(options, timing, host));
    // Errors reach whoever asked; without a listener they would end the process.
    connection.on("error", () => {});
    try {
      await connection.connect(host, port);
    } catch (error) {
      connection.socket?.destroy();
      const pause = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** peer.failures++);
      peer.retryAtMs = performance.now() + pause * (0.5 + Math.random() / 2);
      peer.failure = connectError(error as Error, peer.address);
      throw peer.failure;
    }
    peer.failures = 0;
    peer.failure = undefined;
    if (closed) connection.socket.destroy();
    open.add(connection);
    connection.once("close", () => open.delete(connection));
    return connection;
  };

  const release = (peer: Peer, connection: Connection): void => {
    peer.leased--;
    leased.delete(connection);
    if (connection.isConnected() && peer.idle.length < IDLE_MAX && !closed) peer.idle.push(connection);
    else connection.socket?.destroy();
    const [next] = peer.waiters;
    next?.();
  };

  return {
    shared(address, lane) {
      if (closed) return Promise.reject(new LogError("unreachable", "The log is closed"));
      const peer = peerOf(address);
      const kept = peer.lanes.get(lane);
      if (kept !== undefined) return kept;
      const opening = connect(peer);
      peer.lanes.set(lane, opening);
      const forget = (): void => {
        if (peer.lanes.get(lane) === opening) peer.lanes.delete(lane);
      };
      opening.then((connection) => {
        connection.once("close", forget);
        connection.once("error", forget);
      }, forget);
      return opening;
    },
    async lease(address, waitMs) {
      const peer = peerOf(address);
      if (peer.leased >= LEASES_MAX) await turn(peer.waiters, waitMs);
      if (peer.leased >= LEASES_MAX) return undefined;
      peer.leased++;
      let connection = peer.idle.pop();
      while (connection !== undefined && !connection.isConnected()) connection = peer.idle.pop();
      try {
        connection ??= await connect(peer);
      } catch (error) {
        peer.leased--;
        throw error;
      }
      const own = connection;
      leased.add(own);
      return { connection: own, [Symbol.dispose]: () => release(peer, own) };
    },
    async close() {
      closed = true;
      for (const connection of leased) connection.socket?.destroy();
      for (const peer of peers.values()) for (const wake of [...peer.waiters]) wake();
      const untilMs = performance.now() + CLOSE_MS;
      while (performance.now() < untilMs && [...open].some((connection) => (underWay.get(connection) ?? 0) > 0)) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      for (const connection of open) connection.socket?.destroy();
    },
  };
}

/** Waits to be woken, at most `waitMs`. */
function turn(waiters: Set<() => void>, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      waiters.delete(wake);
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(wake, waitMs);
    waiters.add(wake);
  });
}

/** Requests that wait for their answer, by connection. */
const underWay = new WeakMap<Connection, number>();

/**
 * Sends one request and answers its response, also one that holds errors. Rejects with LostError when no answer comes
 * within `timeoutMs`; the connection is then given up, since everything behind that request would wait as well.
 */
export function ask<Response>(
  connection: Connection,
  timeoutMs: number,
  send: (connection: Connection, callback: (error: Error | null, response?: Response) => void) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { host, port } = connection;
    underWay.set(connection, (underWay.get(connection) ?? 0) + 1);
    const timer = setTimeout(() => {
      reject(new LostError(`broker ${host}:${port} did not answer within ${Math.round(timeoutMs)} ms`));
      connection.socket?.destroy();
    }, timeoutMs);
    send(connection, (error, response) => {
      clearTimeout(timer);
      underWay.set(connection, underWay.get(connection)! - 1);
      // A response with error codes in it comes as an error that holds the response: its reader looks at the codes.
      const answer = error === null ? response : (error as { response?: Response }).response;
      if (answer !== undefined) resolve(answer);
      else if (error instanceof LogError) reject(error);
      else reject(new LostError(`broker ${host}:${port} did not answer: ${error?.message}`, { cause: error }));
    });
  });
}

function connectionOptions({ sasl, tls }: KafkaOptions, timing: KafkaTiming, host: string): ConnectionOptions {
  return {
    connectTimeout: timing.connectMs,
    // Every request has its own deadline; this one must never be the first.
    requestTimeout: 600_000,
    maxInflights: IN_FLIGHT_MAX,
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
    ...(tls === undefined ? {} : { tls: { ...tls, minVersion: "TLSv1.2" as const } }),
    // Server names are names: an address as server name is refused by Node.
    ...(tls !== undefined && isIP(host) === 0 ? { tlsServerName: host } : {}),
  };
}

function connectError(error: Error, { host, port }: BrokerAddress): LogError {
  let cause: Error = error;
  // The library wraps what happened, and its own search does not look into causes.
  let isRefusal = isSaslRefusal(cause);
  while (cause.cause instanceof Error) {
    cause = cause.cause;
    isRefusal ||= isSaslRefusal(cause);
  }
  if (isRefusal || (cause as { code?: string }).code === "PLT_KFK_AUTHENTICATION") {
    return new LogError("forbidden", `Kafka at ${host}:${port} refused the gateway's SASL credentials`, error);
  }
  return new LogError("unreachable", `Cannot reach Kafka at ${host}:${port}: ${cause.message}`, error);
}

/** Whether Kafka itself said no; a handshake that broke off is called an authentication error as well. */
function isSaslRefusal(error: Error): boolean {
  return ["SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM"].some(
    (id) => findErrorBy(error, "apiId", id) !== null,
  );
}
