// What lies around an entity in the graph, a bounded number of steps and nodes away.
import { AppError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import { entityKey, kindOfKey, parseEntityKey } from "../domain/key.ts";
import { kindIn } from "../domain/model.ts";
import type { Edge } from "../domain/projection.ts";
import { present } from "../flows/define.ts";
import { flowOfKind, type QueriesDeps } from "./queries.ts";
import { visible } from "./visible.ts";

/** A node as clients see it, with its kind. */
export type Node = { readonly kind: string } & { readonly [name: string]: Json };

export interface Neighbourhood {
  readonly nodes: readonly Node[];
  readonly edges: readonly { readonly relation: string; readonly from: NodeName; readonly to: NodeName }[];
  /** There is more than was asked for. */
  readonly truncated: boolean;
}

interface NodeName {
  readonly kind: string;
  readonly id: string;
}

const NODES_MAX = 200;
const EDGES_OF_NODE_MAX = 100;

/** Visible nodes at most `depth` edges away, at most 200; throws AppError `not_found` when the entity is not visible. */
export async function neighbourhood(
  deps: QueriesDeps,
  { kind, id, tenant, depth }: { kind: string; id: string; tenant: string; depth: number },
): Promise<Neighbourhood> {
  if (!deps.model.has(kind)) {
    const known = [...deps.model.keys()].join(", ");
    throw new AppError("not_found", `There is no kind ${JSON.stringify(kind)}; there are ${known}`);
  }
  const start = entityKey(tenant, kind, id);
  const edges = new Map<string, Edge>();
  const reached = new Set([start]);
  let truncated = false;
  for (let step = 0, ring = [start]; step < depth && ring.length > 0; step++) {
    const found = await Promise.all(ring.map((key) => deps.database.edgesAt(key, EDGES_OF_NODE_MAX + 1)));
    ring = [];
    for (const edge of found.flatMap((list) => list.slice(0, EDGES_OF_NODE_MAX))) {
      const news = [edge.source, edge.target].filter((key) => !reached.has(key));
      if (reached.size + news.length > NODES_MAX) {
        truncated = true;
        continue;
      }
      edges.set(`${edge.source} ${edge.field}`, edge);
      for (const key of news) {
        reached.add(key);
        ring.push(key);
      }
    }
    truncated ||= found.some((list) => list.length > EDGES_OF_NODE_MAX);
  }
  const shown = await visible(deps, [...reached]);
  // A person without a live edge is nobody.
  const isThere = kindIn(deps.model, kind).implicit ? edges.size > 0 : shown.some(({ key }) => key === start);
  if (!isThere) throw new AppError("not_found", `There is no ${kind} ${JSON.stringify(id)}`);
  const keys = new Set(shown.map(({ key }) => key));
  return {
    nodes: shown.map(({ key, entity }) => nodeOf(deps, key, entity.state)),
    edges: [...edges.values()].filter(({ source, target }) => keys.has(source) && keys.has(target)).map(edgeOf(deps)),
    truncated,
  };
}

function nodeOf({ flows }: QueriesDeps, key: string, state: Parameters<typeof present>[2]): Node {
  const { kind, id } = parseEntityKey(key);
  const flow = flowOfKind(flows, kind);
  // Last: an event's own id is one within its source, and edges name entities.
  return { kind, ...(flow === undefined ? {} : present(flow, key, state)), id };
}

const edgeOf =
  ({ model }: QueriesDeps) =>
  ({ source, field, target }: Edge) => {
    const { relation, direction } = kindIn(model, kindOfKey(source)).references.find((one) => one.field === field)!;
    const name = (key: string): NodeName => {
      const { kind, id } = parseEntityKey(key);
      return { kind, id };
    };
    const [from, to] = direction === "out" ? [source, target] : [target, source];
    return { relation, from: name(from), to: name(to) };
  };
