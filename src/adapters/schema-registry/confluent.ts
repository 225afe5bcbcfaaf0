// A schema registry that speaks Confluent's API: Confluent's own, Karapace, Apicurio at /apis/ccompat/v7, Redpanda's.
import { AppError } from "../../domain/errors.ts";
import type { SchemaRegistry, Standing } from "../../ports/schema-registry.ts";
import { type Fetch, type ProxyAnswer, proxyCaller } from "../broker/proxy-call.ts";

/** Where the registry is, and how to reach it. */
export interface ConfluentRegistryOptions {
  /** Address below which `/subjects` lies. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  readonly fetch: Fetch;
  /** Of one call. Default 5,000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
/** A schema comes back with its lookup. */
const ANSWER_BYTES_MAX = 4_194_304;
const REASONS_MAX = 20;
const REASON_CHARACTERS_MAX = 300;
const MEDIA_TYPE = "application/vnd.schemaregistry.v1+json";
/** Codes of a registry's own 404s; other 404s are no registry's. */
const NO_SUBJECT = 40401;
const NO_VERSION = 40402;
const NO_SUCH_SCHEMA = 40403;
const INVALID_SCHEMA = 422;
const FORBIDDEN = new Set([401, 403]);

type Answered = Extract<ProxyAnswer, { kind: "answered" }>;
type Body = { readonly [name: string]: unknown };

/** A registry over HTTP. See the SchemaRegistry port for what it promises. */
export function confluentRegistry(options: ConfluentRegistryOptions): SchemaRegistry {
  const { url, user, password, fetch, timeoutMs = TIMEOUT_MS } = options;
  const call = proxyCaller({ url, fetch, answerBytesMax: ANSWER_BYTES_MAX, headers: authorization(user, password) });

  const post = async (path: string, schema: string): Promise<Answered> => {
    const answer = await call({
      method: "POST",
      path,
      contentType: MEDIA_TYPE,
      accept: `${MEDIA_TYPE}, application/json`,
      body: JSON.stringify({ schemaType: "JSON", schema }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (answer.kind === "answered") return answer;
    throw unavailable(url, answer.reason, answer.cause);
  };

  /** What a look for this very schema finds: it, another one, or no subject. */
  const lookUp = async (subject: string, schema: string): Promise<Standing | "another"> => {
    const answer = await post(`/subjects/${encodeURIComponent(subject)}`, schema);
    const { id, version } = bodyOf(answer);
    if (answer.status === 200 && isCount(id) && isCount(version)) return { status: "registered", id, version };
    if (isMissing(answer, NO_SUCH_SCHEMA)) return "another";
    return isMissing(answer, NO_SUBJECT, NO_VERSION) ? { status: "new" } : refusal(url, answer);
  };

  const standing = async (subject: string, schema: string): Promise<Standing> => {
    const there = await lookUp(subject, schema);
    if (there !== "another") return there;
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`;
    const answer = await post(path, schema);
    if (isMissing(answer, NO_SUBJECT, NO_VERSION)) return { status: "new" };
    const { is_compatible: isCompatible, messages } = bodyOf(answer);
    if (answer.status !== 200 || typeof isCompatible !== "boolean") return refusal(url, answer);
    return isCompatible ? { status: "compatible" } : { status: "incompatible", reasons: reasonsOf(messages) };
  };

  return {
    name: url,
    standing,
    async register(subject, schema) {
      // Apicurio registers what is incompatible unless a rule has been set: the look comes first.
      const before = await standing(subject, schema);
      if (before.status !== "new" && before.status !== "compatible") return before;
      const answer = await post(`/subjects/${encodeURIComponent(subject)}/versions`, schema);
      if (answer.status === 409) return { status: "incompatible", reasons: reasonsOf([bodyOf(answer).message]) };
      if (answer.status !== 200 || !isCount(bodyOf(answer).id)) return refusal(url, answer);
      // The answer has no version in it.
      const there = await lookUp(subject, schema);
      if (there !== "another" && there.status !== "new") return there;
      throw unavailable(url, "it has not the schema that it has just taken");
    },
  };
}

function bodyOf({ body }: Answered): Body {
  return typeof body === "object" && body !== null ? (body as Body) : {};
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function isMissing(answer: Answered, ...codes: readonly number[]): boolean {
  return answer.status === 404 && codes.includes(bodyOf(answer).error_code as number);
}

/** What the registry will not have is an answer; what is no registry's answer is none. */
function refusal(url: string, answer: Answered): Standing {
  const { message } = bodyOf(answer);
  const said = typeof message === "string" ? `: ${message.slice(0, REASON_CHARACTERS_MAX)}` : "";
  if (answer.status === INVALID_SCHEMA) return { status: "refused", reasons: reasonsOf([message]) };
  if (FORBIDDEN.has(answer.status)) {
    return { status: "refused", reasons: [`it answered ${answer.status}; see SCHEMA_REGISTRY_USER and _PASSWORD`] };
  }
  throw unavailable(url, `it answered ${answer.status}${said}, which is no answer of a schema registry`);
}

function unavailable(url: string, reason: string, cause?: unknown): AppError {
  return new AppError("registry_unavailable", `Cannot ask the schema registry ${url}: ${reason}`, { cause });
}

function reasonsOf(messages: unknown): string[] {
  const texts = (Array.isArray(messages) ? messages : []).filter((text) => typeof text === "string" && text !== "");
  return texts.slice(0, REASONS_MAX).map((text: string) => text.slice(0, REASON_CHARACTERS_MAX));
}

function authorization(user: string | undefined, password = ""): Record<string, string> {
  if (user === undefined) return {};
  return { authorization: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)))}` };
}
