// Neo4j's HTTP Query API, version 2: one statement in a request, one transaction of its own. Nothing is held open between
// requests, because a client that dies would keep its locks for a minute (core-proof b2). Works wherever fetch does.
import { base64 } from "../../../domain/base64.ts";
import { type Fetch, proxyCaller } from "../../broker/proxy-call.ts";
import { failureOf, GraphFailure } from "./failure.ts";
import type { Row, Transport } from "./transport.ts";

export interface QueryApiOptions {
  /** `http://` or `https://`; without user and password. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** How long a request may take; what was asked for may be done after it all the same (core-proof #31). */
  readonly timeoutMs: number;
  readonly fetch: Fetch;
}

/** Bytes of an answer that are read: pages are bounded in rows, and rows by what an operation may carry. */
const ANSWER_BYTES_MAX = 256 * 1_048_576;

const JSON_TYPE = "application/json";

export function queryApiTransport(options: QueryApiOptions): Transport {
  const { url, user, password, database, timeoutMs, fetch } = options;
  const call = proxyCaller({
    url,
    fetch,
    headers: { authorization: `Basic ${base64(new TextEncoder().encode(`${user}:${password}`))}` },
    answerBytesMax: ANSWER_BYTES_MAX,
  });
  const path = `/db/${encodeURIComponent(database)}/query/v2`;
  return {
    begin: undefined,
    async run(statement, parameters) {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await call({
        method: "POST",
        path,
        contentType: JSON_TYPE,
        // Bare numbers: whole ones of ours lie below 2^53, see rows.ts.
        accept: JSON_TYPE,
        body: JSON.stringify({ statement, parameters, maxExecutionTime: Math.ceil(timeoutMs / 1_000) }),
        signal,
      });
      if (answer.kind === "unsent") throw new GraphFailure("unsent", answer.reason, answer.cause);
      if (answer.kind === "lost") {
        if (signal.aborted) throw new GraphFailure("late", `no answer within ${timeoutMs} ms`, answer.cause);
        throw new GraphFailure("lost", answer.reason, answer.cause);
      }
      return rowsOf(answer.status, answer.body);
    },
    close: async () => undefined,
  };
}

interface Body {
  readonly data?: { readonly values?: unknown };
  readonly errors?: readonly { readonly code?: unknown; readonly message?: unknown }[];
}

/** Errors stand in the body whatever the status is: a statement that fails late is answered 202. */
function rowsOf(status: number, body: unknown): readonly Row[] {
  const { data, errors } = (typeof body === "object" && body !== null ? body : {}) as Body;
  if (Array.isArray(errors) && errors.length > 0) {
    const { code, message } = errors[0]!;
    throw failureOf(String(code), String(message));
  }
  if (status < 300 && Array.isArray(data?.values)) return data.values as readonly Row[];
  if (status === 401 || status === 403) throw failureOf("Neo.ClientError.Security.Unauthorized", "");
  if (status >= 500) throw new GraphFailure("lost", `the server answered ${status}`);
  const advice = "give the HTTP port of Neo4j (7474 where nothing else is set), or bolt:// for bolt";
  throw new GraphFailure("refused", `what answers there (status ${status}) is not the Query API of Neo4j; ${advice}`);
}
