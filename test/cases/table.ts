// The failure cases that are known of Kafka behind HTTP proxies, by number, and the tests that hold each. A test bears
// its numbers in its title or in its file: "(case 7)", "(cases 11 and 12)".
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

/** One case; `because` says why there is no test of it. */
export interface Case {
  readonly number: number;
  readonly what: string;
  readonly because?: string;
}

export const CASES: readonly Case[] = [
  { number: 1, what: "the consumer instance has expired" },
  { number: 2, what: "the instance's name is in use after a crash" },
  { number: 3, what: "the proxy restarted, or another replica answers" },
  { number: 4, what: "the answer of a read is lost" },
  { number: 5, what: "the same record twice in one answer" },
  { number: 6, what: "a whole batch comes though the offset lies inside it" },
  { number: 7, what: "a produce times out or is answered late: it may have been written" },
  { number: 8, what: "single records fail within an answer of success" },
  { number: 9, what: "v3 reports in a stream, and one is missing" },
  { number: 10, what: "the topic is missing" },
  { number: 11, what: "the broker is down, or slow" },
  { number: 12, what: "the broker flaps" },
  { number: 13, what: "a rebalance during a poll" },
  { number: 14, what: "a value that no decoder takes" },
  { number: 15, what: "a record larger than the bytes of a read" },
  { number: 16, what: "a produce that is too large" },
  { number: 17, what: "retention has passed the position" },
  { number: 18, what: "a seek does not clear what the proxy has cached" },
  { number: 19, what: "offsets are not contiguous" },
  { number: 20, what: "a crash between the database's commit and the group's" },
  { number: 21, what: "overlapping ticks" },
  { number: 22, what: "the time or the requests of a tick end in the middle of a batch" },
  { number: 23, what: "the database is down while the broker is up" },
  { number: 24, what: "both are down" },
  { number: 25, what: "deadlocks and transient errors of the database" },
  { number: 26, what: "the outcome of a commit is not known" },
  { number: 27, what: "one bad record fails the transaction of a batch" },
  { number: 28, what: "what is set aside must not need the broker" },
  { number: 29, what: "the mark of having been done is written before the effect" },
  { number: 30, what: "a derived idempotency key swallows a repeat that is meant" },
  { number: 31, what: "clocks differ" },
  { number: 32, what: "a schema that is newer than the code" },
  { number: 33, what: "an update before its create, an end before its beginning" },
  { number: 34, what: "a fallback overtakes an operation that is queued" },
  { number: 35, what: "the proxy turns falsy JSON into nothing" },
  {
    number: 36,
    what: "one Kafka producer for each HTTP connection",
    because:
      "it costs the proxy memory and shows in no answer; produces share requests, and connections are kept alive",
  },
  {
    number: 37,
    what: "acks=1 loses acknowledged records when a leader fails",
    because: "only the proxy's operator can set it, and no answer shows it: docs/dialects.md names the proxies",
  },
  { number: 38, what: "an empty commit commits what the proxy has cached" },
  { number: 39, what: "reading committed offsets needs a GET with a body" },
];

/** A place that names a case. */
export interface Holder {
  readonly file: string;
  /** Title of the test, or the head of the file. */
  readonly title: string;
}

const NAMES_CASES = /\(cases? (\d+(?:(?:, | and )\d+)*)\)/g;
const root = resolve(import.meta.dirname, "../..");

/** Tests by the number of the case they hold. */
export function findHolders(): Map<number, Holder[]> {
  const found = new Map<number, Holder[]>();
  const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .map((name) => join(root, "test", name))
    .filter((path) => /\.(test|e2e)\.ts$/.test(path) || path.endsWith("test/gateway/consumers.ts"));
  for (const path of files.toSorted()) {
    for (const line of readFileSync(path, "utf8").split("\n")) {
      // Only titles count: a comment holds nothing.
      if (/^\s*(\/\/|\*)/.test(line)) continue;
      for (const [, numbers] of line.matchAll(NAMES_CASES)) {
        for (const text of numbers!.split(/, | and /)) {
          const title = /["'`](.*?\(cases? [\d, and]+\).*?)["'`]/.exec(line)?.[1] ?? line.trim();
          const number = Number(text);
          found.set(number, [...(found.get(number) ?? []), { file: relative(root, path), title }]);
        }
      }
    }
  }
  return found;
}
