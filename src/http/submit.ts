// Submissions of a request's principal: for its tenant, as far as its scopes go.
import type { Context } from "hono";
import type { Preferences } from "../app/accept.ts";
import type { Answer } from "../app/answer.ts";
import { clientTypes, type Submission } from "../app/intake.ts";
import { allows } from "../domain/principal.ts";
import { forbidden, principalOf } from "./principal.ts";
import type { Service } from "./service.ts";
import { shownAnswer } from "./shown.ts";

/** Has submissions accepted; answers each, in order, those that the key does not allow with `forbidden`. */
export async function submit(
  c: Context,
  service: Service,
  submissions: readonly Submission[],
  preferences?: Preferences,
): Promise<Answer[]> {
  const principal = principalOf(c, service);
  // What is not there is nobody's to allow: the answer says that it is not there.
  const isThere = ({ flow, type }: Submission): boolean =>
    service.flows.some((candidate) => candidate.name === flow && clientTypes(candidate).includes(type));
  const may = (one: Submission): boolean => allows(principal, `${one.flow}:${one.type}`) || !isThere(one);
  const allowed = allows(principal, "operations:*") ? submissions : submissions.filter(may);
  const taken = await service.accept(allowed, principal.tenant, preferences);
  const shown = taken.map((answer) => shownAnswer(answer, principal));
  if (allowed.length === submissions.length) return shown;
  const rest = shown.values();
  return submissions.map((one) => (may(one) ? rest.next().value! : { problem: forbidden(`${one.flow}:${one.type}`) }));
}
