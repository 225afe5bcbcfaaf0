// The one ordered list of flows. Everything that is true of every flow derives from it.
import type { GraphModel, Kind } from "../domain/model.ts";
import { action } from "./action.ts";
import { activity } from "./activity.ts";
import { chatMessages } from "./chat-messages.ts";
import { contextAnalysis } from "./context-analysis.ts";
import type { Flow } from "./define.ts";
import { events } from "./events.ts";
import { memory } from "./memory.ts";
import { session } from "./session.ts";
import { summarization } from "./summarization.ts";

/** The list with the types of its operations. */
export const typedFlows = [
  chatMessages,
  summarization,
  contextAnalysis,
  memory,
  session,
  activity,
  action,
  events,
] as const satisfies readonly Flow[];

/** Type of the list, by which clients know the data of operations. */
export type Flows = typeof typedFlows;

export const flows: readonly Flow[] = typedFlows;

/** Users have no operations of their own: naming one is enough, and edges make one visible. */
const user: Kind = { name: "User", implicit: true, references: [], order: [] };

/** The graph as these flows shape it. */
export function modelOf(list: readonly Flow[]): GraphModel {
  return new Map([user, ...list.flatMap((flow) => flow.kinds)].map((kind) => [kind.name, kind]));
}

/** The graph of the product's flows. */
export const model = modelOf(flows);
