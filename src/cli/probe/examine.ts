// One examination of a proxy: who answers, a topic, every check in turn within the time there is, and clearing away.
import type { DialectOptions } from "../../adapters/broker/dialect.ts";
import { identify } from "../../adapters/broker/identify.ts";
import { proxyCaller } from "../../adapters/broker/proxy-call.ts";
import { DIALECTS, type Dialect } from "../../config/kafka-url.ts";
import { dialects } from "../../runtime/dialects.ts";
import { messageOf } from "../failure.ts";
import { type Check, type Finding, unknown } from "./finding.ts";
import { watchInstances } from "./instances.ts";
import { produceChecks } from "./produce-checks.ts";
import { readChecks } from "./read-checks.ts";
import { asker, type Session } from "./session.ts";
import { SUITABLE, tidegateChecks } from "./tidegate-checks.ts";
import { deleteTopics, makeTopic } from "./topic.ts";

/** What to examine, and how. */
export interface ExamineOptions {
  readonly url: string;
  /** Undefined asks the proxy who it is. */
  readonly dialect: Dialect | undefined;
  /** A topic of two partitions to use; undefined makes one. */
  readonly topic: string | undefined;
  readonly timeoutMs: number;
  readonly access: Pick<DialectOptions, "fetch" | "headers" | "basic">;
  /** Told of each check before it runs. */
  readonly onCheck?: (question: string) => void;
  /** Ends the examination: what it made is cleared away, and there is no card. */
  readonly interrupted?: AbortSignal;
  /** Told of the topics that are there, or may be, when it is interrupted. */
  readonly onInterrupt?: (topics: readonly string[]) => void;
}

/** What an examination made and could not delete, or may have made. */
export interface Left {
  /** Topics. */
  readonly left: readonly string[];
  /** Consumer instances, as `group/name`. */
  readonly leftInstances: readonly string[];
}

/** A capability card. */
export interface Card extends Left {
  readonly url: string;
  readonly dialect: Dialect;
  /** Who answered, in words. */
  readonly name: string;
  /** Whether Tidegate can stand on it. */
  readonly suitable: boolean;
  readonly findings: readonly (Finding & { readonly id: string; readonly question: string })[];
}

/** An examination that could not begin, or was interrupted, in words. */
export interface NoCard extends Left {
  readonly reason: string;
}

const CHECKS: readonly Check[] = [
  ...tidegateChecks.slice(0, 1),
  ...produceChecks,
  ...readChecks,
  ...tidegateChecks.slice(1),
];
/** Kept back for clearing away. */
const CLEAR_MS = 5_000;
/** Once interrupted, what has begun has so long to end. */
const END_MS = 2_000;
/** A proxy can take so long at most once it is interrupted. */
export const INTERRUPTED_MS = END_MS + CLEAR_MS;
const NOTHING: Left = { left: [], leftInstances: [] };

/** Examines a proxy; never throws for what the proxy does. */
export async function examine(options: ExamineOptions): Promise<Card | NoCard> {
  const { url, access, timeoutMs, interrupted = new AbortController().signal } = options;
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), interrupted]);
  const known = await recognise(options, signal);
  if (interrupted.aborted) return { reason: "interrupted", ...NOTHING };
  if ("reason" in known) return { ...known, ...NOTHING };
  const { dialect, name } = known;
  const instances = watchInstances(access.fetch);
  const reach = { url, ...access, fetch: instances.fetch };
  const last = following(interrupted);
  const session: Session = {
    url,
    dialect,
    topic: options.topic ?? `tidegate-probe-${crypto.randomUUID().slice(0, 8)}`,
    signal,
    ask: asker(reach, signal, last),
    made: new Set<string>(),
    broker: dialects[dialect]({ ...reach, cluster: "probe", partitions: 2 }),
  };
  interrupted.addEventListener("abort", () => options.onInterrupt?.([...session.made]), { once: true });
  const found = await Promise.race([findAll(options, session), ended(last)]);
  await Promise.race([instances.deleted(), ended(last)]);
  const left = await deleteTopics({ ...session, ask: asker(reach, AbortSignal.timeout(CLEAR_MS)) });
  const rest: Left = { left, leftInstances: instances.left() };
  if (interrupted.aborted || found === undefined) return { reason: "interrupted", ...rest };
  if ("reason" in found) return { ...found, ...rest };
  const suitable = found.findings.find(({ id }) => id === SUITABLE)?.verdict === "yes";
  return { url, dialect, name, suitable, ...found, ...rest };
}

/** Makes the topic and carries out every check. */
async function findAll(
  { topic, onCheck }: ExamineOptions,
  session: Session,
): Promise<Pick<Card, "findings"> | { readonly reason: string }> {
  if (topic === undefined) {
    const refusal = session.dialect === "upstash" ? "the Upstash REST API makes no topics" : await makeTopic(session);
    if (refusal !== undefined) return { reason: `${refusal}; make one of two partitions and name it with --topic` };
  }
  const findings: Card["findings"][number][] = [];
  for (const check of CHECKS) {
    onCheck?.(check.question);
    findings.push({ id: check.id, question: check.question, ...(await carryOut(check, session)) });
  }
  return { findings };
}

/** A signal that comes END_MS after another. */
function following(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  signal.addEventListener("abort", () => void setTimeout(() => controller.abort(), END_MS).unref(), { once: true });
  return controller.signal;
}

/** Resolves once a signal has come. */
function ended(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

async function recognise(
  { url, dialect, access }: ExamineOptions,
  signal: AbortSignal,
): Promise<{ readonly dialect: Dialect; readonly name: string } | { readonly reason: string }> {
  const call = proxyCaller({ url, ...access, answerBytesMax: 1_048_576 });
  const identity = await identify(call, AbortSignal.any([signal, AbortSignal.timeout(5_000)]));
  if (identity.kind === "proxy") {
    const guess = identity.speaks.find((name): name is Dialect => DIALECTS.includes(name as Dialect));
    return { dialect: dialect ?? guess ?? "confluent", name: identity.name };
  }
  if (identity.kind === "locked") {
    return { reason: `it answered ${identity.status}: give --username and KAFKA_PASSWORD, or KAFKA_TOKEN` };
  }
  if (identity.kind === "ailing")
    return { reason: `it answers ${identity.status} to GET /topics${identity.complaint}` };
  if (identity.kind === "stranger") return { reason: `it is ${identity.name}, not a proxy of Kafka` };
  return { reason: identity.answer.kind === "answered" ? "it gave no answer" : identity.answer.reason };
}

async function carryOut(check: Check, session: Session): Promise<Finding> {
  const why = check.notFor?.[session.dialect];
  if (why !== undefined) return { verdict: "not asked", detail: why };
  if (session.signal.aborted) return unknown("the time was over");
  try {
    return await check.run(session);
  } catch (error) {
    return unknown(messageOf(error));
  }
}
