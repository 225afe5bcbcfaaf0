// NEO4J_URL: where Neo4j is, and whether it is spoken to in bolt or by its HTTP Query API.

/** How Neo4j is reached. */
export interface Neo4jServer {
  /** Without user and password. */
  readonly url: string;
  readonly protocol: "bolt" | "query-api";
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** How long a transaction, a lock or a request may take. */
  readonly timeoutMs: number;
}

/** Schemes of {@link Neo4jServer.url}, without the colon. */
export const NEO4J_SCHEME = /^(bolt|neo4j)(\+s|\+ssc)?$|^https?$/;

interface Neo4jVariables {
  readonly NEO4J_URL?: string | undefined;
  readonly NEO4J_USER: string;
  readonly NEO4J_PASSWORD?: string | undefined;
  readonly NEO4J_DATABASE: string;
  readonly NEO4J_TIMEOUT_MS: number;
}

/** Reads NEO4J_URL and what belongs to it; undefined is the embedded database. */
export function readNeo4jUrl(given: Neo4jVariables): Neo4jServer | undefined {
  if (given.NEO4J_URL === undefined) return undefined;
  const url = new URL(given.NEO4J_URL);
  return {
    url: url.href.replace(/\/$/, ""),
    protocol: url.protocol.startsWith("http") ? "query-api" : "bolt",
    user: given.NEO4J_USER,
    password: given.NEO4J_PASSWORD ?? "",
    database: given.NEO4J_DATABASE,
    timeoutMs: given.NEO4J_TIMEOUT_MS,
  };
}

/** What is wrong with a NEO4J_URL that is a URL of one of our schemes; it may hold a secret, so it is not repeated. */
export function neo4jUrlProblems({ NEO4J_URL }: { readonly NEO4J_URL?: string | undefined }): string[] {
  const url = NEO4J_URL === undefined ? null : URL.parse(NEO4J_URL);
  if (url === null) return [];
  return [
    ...(url.username !== "" || url.password !== ""
      ? ["NEO4J_URL must hold no user and password; set NEO4J_USER and NEO4J_PASSWORD"]
      : []),
    ...(url.search !== "" || url.hash !== "" ? ["NEO4J_URL must hold no query and no fragment"] : []),
  ];
}
