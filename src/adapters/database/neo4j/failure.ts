// What Neo4j's status codes and broken connections mean for the caller: try again, read again, or tell the operator.
import { AppError } from "../../../domain/errors.ts";

/**
 * `transient`: rolled back, the same may succeed now. `guard`: rolled back because what was read is no longer so.
 * `unsent`: nothing reached the database. `broken`: the connection broke before anything was committed. `lost`: it broke,
 * and `late`: the deadline passed; what was asked for may have been done, or may yet be (core-proof #31).
 * `refused`: it will be so until the configuration or the server is mended; `stranger`: because of user and password.
 * `too_large`: rolled back because it took too long or too much, and less of it may succeed. `exists`: what the schema was
 * to get is there. `statement`: the database cannot store this.
 */
export type FailureKind =
  | "transient"
  | "guard"
  | "unsent"
  | "broken"
  | "lost"
  | "late"
  | "refused"
  | "stranger"
  | "too_large"
  | "exists"
  | "statement";

/** A failure of the database, within the adapter. */
export class GraphFailure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "GraphFailure";
    this.kind = kind;
  }
}

const KINDS: readonly (readonly [RegExp, FailureKind])[] = [
  [/^Neo\.ClientError\.Statement\.ArithmeticError$/, "guard"],
  [/^Neo\.ClientError\.Schema\.ConstraintValidationFailed$/, "guard"],
  [/^Neo\.ClientError\.Schema\.EquivalentSchemaRuleAlreadyExists$/, "exists"],
  // A row that another transaction removed while this one waited for its lock.
  [/^Neo\.ClientError\.Statement\.EntityNotFound$/, "transient"],
  // Waiting for a lock ended with the time of the transaction, or of the wait.
  [/^Neo\.(Transient|Client)Error\.Transaction\.(LockClientStopped|LockAcquisitionTimeout)$/, "too_large"],
  [/^Neo\.ClientError\.Transaction\.TransactionTimedOut/, "too_large"],
  [/^Neo\.(Client|Transient)Error\.Transaction\.Terminated$/, "too_large"],
  [/MemoryPoolOutOfMemoryError|TransactionOutOfMemory|MemoryLimit|OutOfMemory/, "too_large"],
  [/^Neo\.TransientError\.(General|Database)\.DatabaseUnavailable$/, "unsent"],
  [/^Neo\.ClientError\.Security\./, "stranger"],
  [/^Neo\.ClientError\.(Database|Cluster)\./, "refused"],
  [/^Neo\.ClientError\.General\.(ForbiddenOnReadOnlyDatabase|WriteOnReadOnlyAccess)/, "refused"],
  [/^Neo\.TransientError\./, "transient"],
  [/^Neo\.ClientError\./, "statement"],
  [/^Neo\.DatabaseError\./, "statement"],
];

/** The failure that a status code of Neo4j stands for. */
export function failureOf(code: string, message: string, cause?: unknown): GraphFailure {
  const kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? "lost";
  return new GraphFailure(kind, `${adviceOn(code) ?? oneLine(message)} (${code})`, cause);
}

function adviceOn(code: string): string | undefined {
  if (code.startsWith("Neo.ClientError.Security.Unauthorized")) {
    return "the server does not know this user and password; set NEO4J_USER and NEO4J_PASSWORD";
  }
  if (code.startsWith("Neo.ClientError.Security.AuthenticationRateLimit")) {
    return "too many wrong passwords, the server lets nobody in for a while; set NEO4J_PASSWORD and wait";
  }
  if (code.startsWith("Neo.ClientError.Security.CredentialsExpired")) {
    return "the password has to be changed first; do so in the Neo4j Browser, then set NEO4J_PASSWORD";
  }
  if (code.startsWith("Neo.ClientError.Database.DatabaseNotFound")) {
    return "there is no such database; set NEO4J_DATABASE, or create it";
  }
  return undefined;
}

/** A message on one line, of bounded length. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, 300);
}

/** Whether what failed so may have been done, or may yet be; also where it was too much because nobody answered in time. */
export function maybeDone({ kind, cause }: GraphFailure): boolean {
  if (kind === "too_large" && cause instanceof GraphFailure) return maybeDone(cause);
  return kind === "lost" || kind === "late";
}

/**
 * The error that callers see. What the database cannot store stays as it is: it is the fault of one operation, which
 * ticks then find by halving. An error may be both ambiguous and divisible: ticks halve it, because positions tell the
 * halves what stands; whoever answers clients does not, because a half would say that nothing was accepted.
 */
export function toAppError(failure: GraphFailure, name: string, mayStand: boolean): Error {
  if (failure.kind === "statement" && !mayStand) return failure;
  const ofLess = failure.kind === "guard" || failure.kind === "transient" || failure.kind === "too_large";
  return new AppError("graph_unavailable", `Cannot use the database ${name}: ${failure.message}`, {
    cause: failure,
    ambiguous: mayStand,
    divisible: ofLess,
  });
}
