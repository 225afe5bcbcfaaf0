// `tidegate check`: nothing is lost when the equation closes, and the exit code says whether it does.
import { defineCommand } from "citty";
import type { Check } from "../app/check.ts";
import { type Accepted, readAccepted } from "./accepted.ts";
import { apiKeyArgument, readApiKey, readUrl, urlArgument, valuesOf } from "./arguments.ts";
import { formatVerdict, type Held, judge } from "./equation.ts";
import { askJson, postJson } from "./service.ts";

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
    const look = lookAt(url, apiKey);
    const found = paths.length === 0 ? undefined : await lookUp(look, accepted);
    const check = await askJson<Check>(url, "/v1/check", { apiKey });
    const held = found === undefined ? undefined : await lookAgain(look, found);
    const verdict = judge(check, held, partial === true);
    process.stdout.write(`${json === true ? JSON.stringify(verdict) : formatVerdict(verdict)}\n`);
    return verdict.closes ? 0 : 1;
  },
});

const STATUSES_MAX = 1_000;

/** Answers what each id's state is, in their order; null for an id that the service does not know. */
type Look = (ids: readonly string[]) => Promise<(string | null)[]>;

/** What one flow's ids turned out to be before the check was read. */
interface Found extends Omit<Held, "pending"> {
  readonly pendingIds: readonly string[];
}

function lookAt(url: string, apiKey: string | undefined): Look {
  return async (ids) => {
    const states: (string | null)[] = [];
    for (let from = 0; from < ids.length; from += STATUSES_MAX) {
      const body = JSON.stringify(ids.slice(from, from + STATUSES_MAX));
      const path = "/v1/operations/statuses";
      const statuses = await postJson<readonly ({ readonly state: string } | null)[]>(url, path, body, apiKey);
      for (const status of statuses) states.push(status?.state ?? null);
    }
    return states;
  };
}

/** Looks up every id. */
async function lookUp(look: Look, accepted: Accepted): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for (const [flow, set] of accepted) {
    const ids = [...set];
    const states = await look(ids);
    const count = (state: string | null): number => states.filter((other) => other === state).length;
    const pendingIds = ids.filter((_, i) => states[i] === "pending");
    found.set(flow, { ids: ids.length, unknown: count(null), parked: count("parked"), pendingIds });
  }
  return found;
}

/**
 * Looks up again what was pending. After the check was read: whatever is pending then was pending when the check
 * counted, so that there are as many in it, or they are lost. The service cannot tell a lost id from one on its way.
 */
async function lookAgain(look: Look, found: ReadonlyMap<string, Found>): Promise<Map<string, Held>> {
  const held = new Map<string, Held>();
  for (const [flow, { pendingIds, ...rest }] of found) {
    const states = await look(pendingIds);
    held.set(flow, { ...rest, pending: states.filter((state) => state === "pending").length });
  }
  return held;
}
