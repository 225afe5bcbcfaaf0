// The graph as another program computes it: imperative, in version order, with a physical cascade and pending fields.
// It imports nothing of the program (core-proof c1): two orders that agree on a wrong graph would prove nothing.
import type { Plain, PlainOperation } from "./case.ts";

interface Pointer {
  target: string;
  /** The target was deleted after this pointer was set. */
  severed: boolean;
}

interface Thing {
  created: boolean;
  values: Map<string, Plain>;
  pointers: Map<string, Pointer>;
}

/** Field by kind: relation, kind of the target, direction, and whether the target owns the source. */
interface Relation {
  readonly name: string;
  readonly target: string;
  readonly reversed: boolean;
  readonly owned: boolean;
}

const RELATIONS: { readonly [kind: string]: { readonly [field: string]: Relation } } = {
  Message: {
    session: { name: "CONTAINS", target: "Session", reversed: true, owned: true },
    user: { name: "SENT", target: "User", reversed: true, owned: false },
  },
  Session: { user: { name: "HAS", target: "User", reversed: true, owned: false } },
  Memory: {
    user: { name: "REMEMBERS", target: "User", reversed: true, owned: false },
    message: { name: "FROM", target: "Message", reversed: false, owned: false },
  },
  Activity: { session: { name: "DID", target: "Session", reversed: true, owned: true } },
  Action: { activity: { name: "RAN", target: "Activity", reversed: true, owned: true } },
  Summary: { of: { name: "OF", target: "", reversed: false, owned: true } },
  Thought: { about: { name: "ABOUT", target: "", reversed: false, owned: true } },
  Evaluation: { of: { name: "OF", target: "Thought", reversed: false, owned: true } },
  Event: { about: { name: "ABOUT", target: "", reversed: false, owned: false } },
};

const KINDS: { readonly [flow: string]: string } = {
  "chat-messages": "Message",
  summarization: "Summary",
  "context-analysis": "Thought",
  session: "Session",
  memory: "Memory",
  activity: "Activity",
  action: "Action",
  events: "Event",
};

const CREATES = new Set(["create", "record", "generate", "analyze", "evaluate", "execute"]);

const TIMES = new Set(["sentAt", "startedAt", "endedAt", "time"]);

/** The visible graph after each operation once, in order of stamp, then id: nodes and edges as sorted lines. */
export function oracle(operations: readonly PlainOperation[]): string[] {
  const things = new Map<string, Thing>();
  const thingAt = (key: string): Thing => {
    const known = things.get(key);
    if (known !== undefined) return known;
    const made: Thing = { created: false, values: new Map(), pointers: new Map() };
    things.set(key, made);
    return made;
  };
  for (const operation of [...operations].sort(byVersion)) {
    if (operation.type === "query") continue;
    const judges = operation.type === "evaluate" || operation.type === "evaluated";
    const kind = judges ? "Evaluation" : KINDS[operation.flow]!;
    const key = keyOf(operation.tenant, kind, idOf(operation));
    if (operation.type === "delete") {
      remove(things, key);
      continue;
    }
    const thing = thingAt(key);
    if (CREATES.has(operation.type)) thing.created = true;
    assign(thing, kind, operation);
  }
  return picture(things);
}

function byVersion(a: PlainOperation, b: PlainOperation): number {
  if (a.stamp !== b.stamp) return a.stamp < b.stamp ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function idOf({ flow, data, id }: PlainOperation): string {
  const named = (data.id as string | undefined) ?? id;
  if (flow !== "events") return named;
  return `${encodeURIComponent((data.source as string | undefined) ?? "/")}/${encodeURIComponent(named)}`;
}

function keyOf(tenant: string, kind: string, id: string): string {
  return [tenant, kind, id].map(encodeURIComponent).join("/");
}

/** What was known of the thing is gone, and whoever pointed to it points to nothing from now on. */
function remove(things: Map<string, Thing>, key: string): void {
  things.delete(key);
  for (const { pointers } of things.values()) {
    for (const pointer of pointers.values()) if (pointer.target === key) pointer.severed = true;
  }
}

function assign(thing: Thing, kind: string, operation: PlainOperation): void {
  for (const [name, value] of Object.entries(fieldsOf(operation))) {
    const relation = RELATIONS[kind]?.[name];
    if (relation === undefined) thing.values.set(name, value);
    else if (value === null) thing.pointers.delete(name);
    else {
      const named = typeof value === "string" ? { kind: relation.target, id: value } : value;
      const { kind: targetKind, id: targetId } = named as { kind: string; id: string };
      const target = keyOf(operation.tenant, targetKind, targetId);
      thing.pointers.set(name, { target, severed: false });
    }
  }
}

/** What an operation sets; whom it names as an id, or with the kind where that can vary. */
function fieldsOf({ flow, type, data, id }: PlainOperation): { [name: string]: Plain } {
  const { id: own, request: _, ...rest } = normalised(data);
  const named = (kind: string, name: string): Plain => ({ kind, id: rest[name]! });
  if (flow === "events") return { ...rest, id: own ?? id };
  if (type === "end") return { ended: rest };
  if (type === "complete") return { completion: rest };
  if (type === "generate") return { of: "session" in rest ? named("Session", "session") : named("User", "user") };
  if (type === "analyze") {
    return { about: "session" in rest ? named("Session", "session") : named("Message", "message") };
  }
  if (type === "evaluate") return { of: rest.thought! };
  return flow === "summarization" && type === "update" ? { summary: rest } : rest;
}

/** Times are kept as UTC with milliseconds. */
function normalised(data: PlainOperation["data"]): { [name: string]: Plain } {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      TIMES.has(name) && typeof value === "string" ? new Date(value).toISOString() : value,
    ]),
  );
}

function picture(things: ReadonlyMap<string, Thing>): string[] {
  const isShown = (key: string): boolean => {
    if (kindOf(key) === "User") return true;
    const thing = things.get(key);
    return thing?.created === true && !isBuried(key);
  };
  const isBuried = (key: string): boolean =>
    [...things.get(key)!.pointers].some(([field, { target, severed }]) => {
      if (!RELATIONS[kindOf(key)]![field]!.owned) return false;
      return severed || (things.get(target)?.created === true && isBuried(target));
    });
  const lines: string[] = [];
  const users = new Set<string>();
  for (const [key, { values, pointers }] of things) {
    if (!isShown(key)) continue;
    const fields = Object.fromEntries(
      [...values].filter(([, value]) => value !== null).map(([name, value]) => [name, told(name, value)]),
    );
    lines.push(lineOf({ node: key, labels: [kindOf(key)], fields }));
    for (const [field, { target, severed }] of pointers) {
      if (severed || !isShown(target)) continue;
      const { name, reversed } = RELATIONS[kindOf(key)]![field]!;
      const [from, to] = reversed ? [target, key] : [key, target];
      lines.push(lineOf({ edge: name, from, to }));
      if (kindOf(target) === "User") users.add(target);
    }
  }
  for (const user of users) lines.push(lineOf({ node: user, labels: ["User"], fields: {} }));
  return lines.sort();
}

/** What a text rests on is how the service came to it, and not part of the picture. */
function told(name: string, value: Plain): Plain {
  if (!["summary", "analysis", "evaluation"].includes(name)) return value;
  const { basis: _, ...words } = value as { [name: string]: Plain };
  return words;
}

function kindOf(key: string): string {
  return key.split("/")[1]!;
}

/** One text for equal values, whatever the order of members. */
export function lineOf(value: Plain): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(lineOf).join()}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${lineOf(member)}`).join()}}`;
}
