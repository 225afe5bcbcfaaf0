// What the still outside world answers to each request, as the operation that the service has to make of it.
import type { Operation } from "../../src/domain/operation.ts";
import type { Plain } from "./case.ts";
import { type Core, macOf } from "./core.ts";

type Data = { readonly [name: string]: Plain };

/** Type and data of the results, by the type of the request. Nobody sees anything, so every text rests on nothing. */
const ANSWERS: { readonly [type: string]: (request: Operation) => { type: string; said: Data } } = {
  generate: ({ stamp }) => ({
    type: "generated",
    said: { summary: { text: "0 texts", restsOn: [], model: "still", basis: { cut: stamp, read: [] } } },
  }),
  analyze: ({ stamp }) => ({
    type: "analyzed",
    said: {
      analysis: {
        ...{ topics: [], sentiment: 0, entities: [], questions: [], model: "still" },
        basis: { cut: stamp, read: [] },
      },
    },
  }),
  evaluate: () => ({ type: "evaluated", said: { evaluation: { failed: "There is no such thought" } } }),
  execute: ({ data }) => ({ type: "executed", said: { response: responseTo(data) } }),
};

function responseTo({ id, webhook, input }: Data): Plain {
  if (webhook !== "echo") return { status: "failed", error: `There is no webhook ${String(webhook)}` };
  return { status: "completed", code: 200, body: { action: id!, input: input ?? null } };
}

/** The result of a request, whoever makes it and whenever; undefined for operations that ask for nothing. */
export function resultOf(core: Core, request: Operation): Operation | undefined {
  const answer = ANSWERS[request.type];
  if (answer === undefined) return undefined;
  const { id, stamp, tenant, data } = request;
  const ms = core.stamp.stampMs(stamp);
  const { type, said } = answer(request);
  return {
    ...request,
    id: core.operationId.resultOperationId(id, ms, tenant, macOf),
    type,
    stamp: core.stamp.formatStamp(ms, 1, stamp.slice(18)),
    data: { id: data.id!, request: id, ...said },
  };
}
