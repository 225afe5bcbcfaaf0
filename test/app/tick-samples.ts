// An operation of every flow, which waits for nobody.

import type { Submission } from "../../src/app/intake.ts";

type Item = (i: number) => Submission;

const SESSIONS = 40;
const session = (i: number): string => `s${i % SESSIONS}`;
const at = "2026-01-02T03:04:05Z";
const TEXT = "When does the tide turn in Lisbon, and how high will the water be at the old lighthouse tonight?";

export const SAMPLES: readonly Item[] = [
  (i) => ({
    ...{ flow: "chat-messages", type: "create" },
    data: { id: `m${i}`, session: session(i), user: "u", role: "user", content: TEXT },
  }),
  (i) => ({ flow: "summarization", type: "update", data: { id: `sum${i}`, text: TEXT } }),
  // Every other operation of this flow waits for a text model.
  () => ({ flow: "context-analysis", type: "canary", data: {}, internal: true }),
  (i) => ({ flow: "memory", type: "create", data: { id: `k${i}`, user: "u", content: TEXT, tags: ["tides"] } }),
  (i) => ({ flow: "session", type: "create", data: { id: session(i), user: "u", title: TEXT } }),
  (i) => ({
    flow: "activity",
    type: "create",
    data: { id: `a${i}`, session: session(i), name: "asking", startedAt: at },
  }),
  (i) => ({ flow: "action", type: "complete", data: { id: `x${i}`, status: "completed", result: { i } } }),
  (i) => ({ flow: "events", type: "record", data: { id: `e${i}`, source: "/tides", type: "tide.turned", time: at } }),
];
