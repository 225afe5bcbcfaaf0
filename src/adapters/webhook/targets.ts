// From configuration text to webhook targets. Pure; every problem is one line, and no line repeats what was configured
// beyond well-formed names: addresses and secrets are nobody's business.
import { isPublicHost } from "./public-address.ts";

/** Where a webhook is and what signs its calls: `whsec_` and base64, as Standard Webhooks writes it. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

/** Targets by name, and one line per problem; targets are whole only when there is no problem. */
export interface ParsedTargets {
  readonly targets: ReadonlyMap<string, WebhookTarget>;
  readonly problems: readonly string[];
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const SHAPE = 'must be a JSON object such as {"ship": {"url": "https://example.com/hook", "secret": "whsec_…"}}';

/** Reads `{"name": {"url", "secret"}}`; unset and empty mean no webhooks. Problems begin with `variable`. */
export function parseTargets(
  text: string | undefined,
  { variable = "WEBHOOKS", allowInsecure = false }: { variable?: string; allowInsecure?: boolean } = {},
): ParsedTargets {
  const targets = new Map<string, WebhookTarget>();
  if (text === undefined || text.trim() === "") return { targets, problems: [] };
  const entries = entriesOf(text);
  if (entries === undefined) return { targets, problems: [`${variable} ${SHAPE}`] };
  const problems: string[] = [];
  for (const [i, [name, entry]] of entries.entries()) {
    // A name that breaks the pattern may be a secret in the wrong place.
    const label = NAME.test(name) ? JSON.stringify(name) : `entry ${i + 1}`;
    const found = [...nameProblems(name), ...entryProblems(entry, allowInsecure)];
    problems.push(...found.map((problem) => `${variable} ${label} ${problem}`));
    if (found.length === 0) targets.set(name, { ...(entry as WebhookTarget) });
  }
  return { targets, problems };
}

/** Why a webhook's address cannot be used; undefined when it can. With `allowInsecure`, http and near hosts are fine. */
export function addressProblem(address: unknown, allowInsecure: boolean): string | undefined {
  const url = typeof address === "string" ? URL.parse(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return "must have an https url";
  if (url.username !== "" || url.password !== "") return "must have a url without user and password";
  if (allowInsecure) return undefined;
  if (url.protocol !== "https:") return "must have an https url";
  return isPublicHost(url.hostname) ? undefined : "must have a url with a public host";
}

/** Whether a text is a secret as Standard Webhooks writes it, with 24 to 64 bytes in it. */
export function isSecret(secret: unknown): secret is string {
  const base64 = typeof secret === "string" ? SECRET.exec(secret)?.[1] : undefined;
  if (base64 === undefined) return false;
  try {
    const { length } = atob(base64);
    return length >= SECRET_BYTES_MIN && length <= SECRET_BYTES_MAX;
  } catch {
    return false;
  }
}

function entriesOf(text: string): [string, unknown][] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? Object.entries(parsed) : undefined;
  } catch {
    return undefined;
  }
}

function nameProblems(name: string): string[] {
  if (NAME.test(name)) return [];
  return ['must have a name of a-z, 0-9 and "-", 63 characters at most, with a letter or digit first'];
}

function entryProblems(entry: unknown, allowInsecure: boolean): string[] {
  if (!isRecord(entry)) return ["must be an object with url and secret"];
  const problems: string[] = [];
  if (Object.keys(entry).some((name) => name !== "url" && name !== "secret")) {
    problems.push("must have no other members than url and secret");
  }
  const problem = addressProblem(entry.url, allowInsecure);
  if (problem !== undefined) problems.push(problem);
  if (!isSecret(entry.secret)) {
    problems.push(`must have a secret of whsec_ and base64 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`);
  }
  return problems;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
