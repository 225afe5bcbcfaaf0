// `tidegate check`: nothing is lost when the equation closes, and the exit code says whether it does.
import { defineCommand } from "citty";
import type { Check } from "../app/check.ts";
import { type Accepted, readAccepted } from "./accepted.ts";
import { apiKeyArgument, readApiKey, readUrl, urlArgument, valuesOf } from "./arguments.ts";
import { formatVerdict, type Held, judge } from "./equation.ts";
import { askJson } from "./service.ts";

const args = {
  url: urlArgument,
  "api-key": apiKeyArgument,
  accepted: {
    type: "string",
    valueHint: "file",
    description: "Ids that clients hold, from import or send --accepted; may be given several times",
  },
  partial: { type: "boolean", description: "The files hold only a part of what clients sent: more is no fault" },
  json: { type: "boolean", description: "Print the verdict as one JSON object" },
} as const;

export const check = defineCommand({
  meta: {
    name: "check",
    description: "Check that accepted = applied + superseded + parked + discarded + pending; exit 0 if it closes",
  },
  args,
  async run({ args: { url: given, "api-key": givenKey, partial, json }, rawArgs }): Promise<number> {
    const url = readUrl(given);
    const apiKey = readApiKey(givenKey);
    const paths = valuesOf(rawArgs, args, "accepted");
    const accepted = await readAccepted(paths);
    const held = paths.length === 0 ? undefined : await lookUp(url, apiKey, accepted);
    const verdict = judge(await askJson<Check>(url, "/v1/check", { apiKey }), held, partial === true);
    process.stdout.write(`${json === true ? JSON.stringify(verdict) : formatVerdict(verdict)}\n`);
    return verdict.closes ? 0 : 1;
  },
});

const STATUSES_MAX = 1_000;

/** Looks up every id. */
async function lookUp(url: string, apiKey: string | undefined, accepted: Accepted): Promise<Map<string, Held>> {
  const held = new Map<string, Held>();
  for (const [flow, set] of accepted) {
    const ids = [...set];
    let [unknown, parked] = [0, 0];
    for (let from = 0; from < ids.length; from += STATUSES_MAX) {
      const statuses = await askJson<readonly ({ readonly state: string } | null)[]>(url, "/v1/operations/statuses", {
        method: "POST",
        apiKey,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(ids.slice(from, from + STATUSES_MAX)),
      });
      for (const status of statuses) {
        if (status === null) unknown++;
        else if (status.state === "parked") parked++;
      }
    }
    held.set(flow, { ids: ids.length, unknown, parked });
  }
  return held;
}
