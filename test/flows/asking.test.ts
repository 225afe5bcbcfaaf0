// What clients ask of text models and of the graph, and what they say themselves, on every path.
import { describe, expect, it } from "vitest";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

/** Says something in a session that is there: nobody's messages are read before it is. */
async function say(service: ServiceUnderTest, ...ids: string[]): Promise<void> {
  await service.post("/v1/session/create", { id: "s", user: "u" });
  for (const id of ids) {
    await service.post("/v1/chat-messages/create", { id, session: "s", user: "u", content: `Text ${id}.` });
  }
  await service.tickToRest();
}

describe.each(WAYS)("on the path $path", ({ options }) => {
  it("summarization.update: a person's words take the place of the model's, until it is asked again", async () => {
    await using service = await startService(options);
    await say(service, "m1", "m2");
    await service.post("/v1/summarization/generate", { id: "sum", session: "s" });
    await service.tickToRest();
    await service.post("/v1/summarization/update", { id: "sum", text: "Two texts, says a person" });
    await service.tickToRest();
    const { body } = await service.get("/v1/summaries/sum");
    expect(body).toMatchObject({ status: "ready", summary: { text: "Two texts, says a person" } });
    expect(body.summary).not.toHaveProperty("model");
    await service.post("/v1/summarization/generate", { id: "sum", session: "s" });
    await service.tickToRest();
    expect((await service.get("/v1/summaries/sum")).body).toMatchObject({ summary: { text: "2 texts" } });
  });

  it("context-analysis.analyze and evaluate: a thought about what was said, held against what came later", async () => {
    await using service = await startService(options);
    await say(service, "m1", "m2");
    await service.post("/v1/context-analysis/analyze", { id: "th", session: "s" });
    await service.tickToRest();
    expect((await service.get("/v1/thoughts/th")).body).toMatchObject({
      status: "ready",
      about: { kind: "Session", id: "s" },
      analysis: { topics: ["topic"], model: "still" },
    });
    await say(service, "m3");
    await service.post("/v1/context-analysis/evaluate", { id: "ev", thought: "th" });
    await service.tickToRest();
    expect((await service.get("/v1/evaluations/ev")).body).toMatchObject({
      status: "ready",
      of: { kind: "Thought", id: "th" },
      evaluation: { score: 1, reasons: "1 texts" },
    });
  });

  it("session.query: sessions by user, state and time, as of the transaction that ran it", async () => {
    await using service = await startService(options);
    const [early, late] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];
    await service.post("/v1/session/create", { id: "a", user: "u", startedAt: early, endedAt: early });
    await service.post("/v1/session/create", { id: "b", user: "u", startedAt: late });
    await service.post("/v1/session/create", { id: "c", user: "v", startedAt: late });
    await service.tickToRest();
    const found = async (question: object): Promise<unknown> => {
      const { body } = await service.post("/v1/session/query", question);
      await service.tickToRest();
      const { result } = (await service.get(`/v1/operations/${body.id}`)).body as {
        result?: { items: { id: string }[] };
      };
      return result?.items.map(({ id }) => id);
    };
    expect(await found({ user: "u" })).toEqual(["b", "a"]);
    expect(await found({ user: "u", state: "ended" })).toEqual(["a"]);
    expect(await found({ from: late })).toEqual(["c", "b"]);
  });
});
