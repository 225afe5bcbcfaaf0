import { expect, test } from "vitest";
import { CHITCHAT_EXCERPT, findChitchat } from "../support/chitchat.ts";
import { buildCanonical } from "./chitchat-canonical.ts";

test("the canonical dump of the excerpt", () => {
  const { lines, sha256, ...counts } = buildCanonical(CHITCHAT_EXCERPT);
  expect(counts).toEqual({ sessions: 41, messages: 1_031, users: 41, empty: 1 });
  expect(sha256).toBe("62f87ef5204c4578c5001163c523713893c360e92f1a489bca2c0e63f9b2c48d");
  expect(lines).toHaveLength(41 + 1_031 + 41 + 2 * 1_031);
  expect(lines[0]).toBe(
    '{"fields":{"content":"Hmm, I really don\'t know.","sentAt":"2018-04-23T05:11:14.000Z","seq":0},"labels":["Message"],"node":"default/Message/05cfac84-b032-4c7b-9aab-f098c5267fb2%3A0%3A0"}',
  );
});

const whole = findChitchat("the canonical dump of the whole file");

test.skipIf(whole === undefined)("the canonical dump of the whole file", () => {
  const { lines, ...rest } = buildCanonical(whole!);
  expect(rest).toEqual({
    sha256: "990e7558f6f4e50d20d5313e870610e8c26c0e374926ea5f0e015d7dda459d5c",
    sessions: 7_168,
    messages: 258_112,
    users: 1_315,
    empty: 33,
  });
});
