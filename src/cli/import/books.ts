// The books of an import: what became of every operation, counted and written down as the answers come in.
import { type Answer, isAccepted, reasonOf } from "./answer.ts";
import type { LeaveOut, LeftOutReason } from "./chatgpt-thread.ts";
import type { Census } from "./chitchat.ts";
import type { Item, Misfit } from "./item.ts";
import { openLineFile } from "./line-file.ts";
import type { Rejects } from "./rejects.ts";
import type { Summary } from "./summary.ts";

export interface Books {
  readonly census: Census;
  /** Settled in this run: accepted or rejected. */
  readonly operations: number;
  /** Id of an accepted operation, if there is one. */
  readonly lastId: string | undefined;
  settle(item: Item, answer: Answer, rejects: Rejects): void;
  misfit(misfit: Misfit, rejects: Rejects): void;
  /** Counts what an input holds and nobody wants as an operation. */
  readonly leaveOut: LeaveOut;
  skip(count: number): void;
  retry(): void;
  /** Writes the accepted ids that are still held. */
  flush(): void;
  close(): void;
  summary(complete: boolean, rejects: readonly string[]): Summary;
}

/** Opens the books; accepted ids are appended to a file when its path is given. */
export function openBooks(acceptedPath: string | undefined): Books {
  const started = { ms: performance.now(), cpu: process.cpuUsage() };
  const census: Census = { sessions: 0, messages: 0, users: new Set() };
  const ids = openLineFile(acceptedPath);
  const byFlow: { [flow: string]: number } = {};
  const leftOut: { [reason in LeftOutReason]?: number } = {};
  const byPath = { kafka: 0, direct: 0, fallback: 0 };
  let [accepted, rejected, skipped, retries] = [0, 0, 0, 0];
  let lastId: string | undefined;
  return {
    census,
    get operations() {
      return accepted + rejected;
    },
    get lastId() {
      return lastId;
    },
    settle(item, answer, rejects) {
      if (!isAccepted(answer)) {
        rejected++;
        return rejects.add(item.origin, reasonOf(answer), item.original());
      }
      const { id = "", flow = "", path } = answer;
      accepted++;
      byFlow[flow] = (byFlow[flow] ?? 0) + 1;
      if (path === "kafka" || path === "direct" || path === "fallback") byPath[path]++;
      lastId = id;
      ids.add(`{"id":${JSON.stringify(id)},"flow":${JSON.stringify(flow)}}`);
    },
    misfit({ origin, reason, original }, rejects) {
      rejected++;
      rejects.add(origin, reason, original());
    },
    leaveOut(reason, count) {
      leftOut[reason] = (leftOut[reason] ?? 0) + count;
    },
    skip(count) {
      skipped += count;
    },
    retry() {
      retries++;
    },
    flush: ids.flush,
    close: ids.close,
    summary(complete, rejects) {
      const operations = accepted + rejected;
      const seconds = (performance.now() - started.ms) / 1_000;
      const { user, system } = process.cpuUsage(started.cpu);
      return {
        complete,
        operations,
        skipped,
        sessions: census.sessions,
        messages: census.messages,
        users: census.users.size,
        leftOut,
        accepted,
        byFlow,
        byPath,
        rejected,
        rejects: rejected === 0 ? [] : rejects,
        retries,
        seconds: Number(seconds.toFixed(3)),
        perSecond: Math.round(operations / seconds),
        clientMicros: operations === 0 ? 0 : Number(((user + system) / operations).toFixed(2)),
      };
    },
  };
}
