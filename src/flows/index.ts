// The one ordered list of flows. Everything that is true of every flow derives from it.
import type { GraphModel, Kind } from "../domain/model.ts";
import { activity } from "./activity.ts";
import { chatMessages } from "./chat-messages.ts";
import type { Flow } from "./define.ts";
import { events } from "./events.ts";
import { memory } from "./memory.ts";
import { session } from "./session.ts";

export const flows: readonly Flow[] = [chatMessages, memory, session, activity, events];

/** Users have no operations of their own: naming one is enough, and edges make one visible. */
const user: Kind = { name: "User", implicit: true, references: [], order: [] };

/** The graph as these flows shape it. */
export function modelOf(list: readonly Flow[]): GraphModel {
  return new Map([user, ...list.map((flow) => flow.kind)].map((kind) => [kind.name, kind]));
}

/** The graph of the product's flows. */
export const model = modelOf(flows);
