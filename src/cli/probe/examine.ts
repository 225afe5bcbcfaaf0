// One examination of a proxy: who answers, a topic, every check in turn within the time there is, and clearing away.
import type { DialectOptions } from "../../adapters/broker/dialect.ts";
import { identify } from "../../adapters/broker/identify.ts";
import { proxyCaller } from "../../adapters/broker/proxy-call.ts";
import { DIALECTS, type Dialect } from "../../config/kafka-url.ts";
import { dialects } from "../../runtime/dialects.ts";
import { messageOf } from "../failure.ts";
import { type Check, type Finding, unknown } from "./finding.ts";
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
}

/** A capability card. */
export interface Card {
  readonly url: string;
  readonly dialect: Dialect;
  /** Who answered, in words. */
  readonly name: string;
  /** Whether Tidegate can stand on it. */
  readonly suitable: boolean;
  readonly findings: readonly (Finding & { readonly id: string; readonly question: string })[];
  /** Topics that the probe made and could not delete. */
  readonly left: readonly string[];
}

/** An examination that could not begin, in words. */
export interface NoCard {
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

/** Examines a proxy; never throws for what the proxy does. */
export async function examine(options: ExamineOptions): Promise<Card | NoCard> {
  const { url, access, timeoutMs } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  const known = await recognise(options, signal);
  if ("reason" in known) return known;
  const { dialect, name } = known;
  const bare = {
    url,
    dialect,
    topic: options.topic ?? `tidegate-probe-${crypto.randomUUID().slice(0, 8)}`,
    signal,
    ask: asker({ url, ...access }, signal),
    made: new Set<string>(),
  };
  if (options.topic === undefined && dialect !== "upstash") {
    const refusal = await makeTopic(bare);
    if (refusal !== undefined) return { reason: `${refusal}; make one of two partitions and name it with --topic` };
  } else if (options.topic === undefined) {
    return { reason: "the Upstash REST API makes no topics; make one of two partitions and name it with --topic" };
  }
  const broker = dialects[dialect]({ url, cluster: "probe", partitions: 2, ...access });
  const session: Session = { ...bare, broker };
  const findings: Card["findings"][number][] = [];
  for (const check of CHECKS) {
    options.onCheck?.(check.question);
    findings.push({ id: check.id, question: check.question, ...(await carryOut(check, session)) });
  }
  const clearing = { ...bare, ask: asker({ url, ...access }, AbortSignal.timeout(CLEAR_MS)) };
  const left = await deleteTopics(clearing);
  const suitable = findings.find(({ id }) => id === SUITABLE)?.verdict === "yes";
  return { url, dialect, name, suitable, findings, left };
}

async function recognise(
  { url, dialect, access }: ExamineOptions,
  signal: AbortSignal,
): Promise<{ readonly dialect: Dialect; readonly name: string } | NoCard> {
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
