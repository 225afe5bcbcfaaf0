// Shows how an import gets on: a bar on a terminal, a plain line every few seconds elsewhere. Everything goes to
// standard error, so that standard output holds the summary alone.
import { SingleBar } from "cli-progress";

/** How far an import is. */
export interface Reach {
  /** Operations settled in this run. */
  readonly operations: number;
  /** Part of the work that is done, 0 to 1; null when nobody knows how much there is. */
  readonly part: number | null;
}

/** A display that follows `reach`. */
export interface Progress {
  /** Shows a remark without breaking the bar. */
  note(line: string): void;
  stop(): void;
}

const BAR_EVERY_MS = 200;
const LINE_EVERY_MS = 5_000;
const BAR_STEPS = 1_000;

/** Starts showing; `reach` is asked each time. There is a bar only when the part that is done can be measured. */
export function startProgress(
  reach: () => Reach,
  measurable: boolean,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  return stream.isTTY === true && measurable ? startBar(reach, stream) : startLines(reach, stream);
}

function startBar(reach: () => Reach, stream: NodeJS.WriteStream): Progress {
  const pace = createPace();
  const bar = new SingleBar({
    format: "{bar} {percentage}% | {text}",
    stream,
    hideCursor: true,
    gracefulExit: false,
    barCompleteChar: "█",
    barIncompleteChar: "░",
  });
  bar.start(BAR_STEPS, 0, { text: "" });
  const show = (): void => {
    const now = reach();
    bar.update(Math.round((now.part ?? 0) * BAR_STEPS), { text: pace(now) });
  };
  const timer = setInterval(show, BAR_EVERY_MS);
  return {
    note: (line) => stream.write(`\r\x1b[K${line}\n`),
    stop() {
      clearInterval(timer);
      show();
      bar.stop();
    },
  };
}

function startLines(reach: () => Reach, stream: NodeJS.WriteStream): Progress {
  const pace = createPace();
  const timer = setInterval(() => {
    const now = reach();
    const part = now.part === null ? "" : `${Math.floor(now.part * 100)}% `;
    stream.write(`${part}${pace(now)}\n`);
  }, LINE_EVERY_MS);
  return {
    note: (line) => stream.write(`${line}\n`),
    stop: () => clearInterval(timer),
  };
}

/** Describes the pace since the start: operations, rate, time left. */
function createPace(nowMs: () => number = () => performance.now()): (reach: Reach) => string {
  const startMs = nowMs();
  return ({ operations, part }) => {
    const seconds = Math.max(0.001, (nowMs() - startMs) / 1_000);
    const left = part === null || part === 0 ? "" : `, ETA ${formatSeconds((seconds * (1 - part)) / part)}`;
    return `${formatCount(operations)} operations, ${formatCount(Math.round(operations / seconds))}/s${left}`;
  };
}

/** A count with thousands separated. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
