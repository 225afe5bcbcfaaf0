// What a decision writes, as parts of one statement. Each part is constant and works off a list; parts with nothing to do
// are left out, so that the server knows the few statements there are.
import { kindOfKey } from "../../../domain/key.ts";
import type { Save } from "../../../domain/settle.ts";
import type { Writes } from "../../../ports/database.ts";
import { type NodeRow, namedRow, nodeRow } from "./entity-rows.ts";
import type { Loaded, LoadedEntity } from "./load.ts";
import { fromLedger, fromOutbox, fromParked, fromRetry } from "./rows.ts";
import { IN_TIME, STILL_IN_TIME } from "./settled.ts";
import { arrow, type Shape } from "./shape.ts";
import type { Params, Value } from "./transport.ts";

/** One subquery and the list it works off, which it finds under its name. */
export interface Part {
  readonly name: string;
  readonly text: string;
  readonly rows: readonly Value[];
}

/**
 * Joins the parts that have something to do into one statement, which fails when it has passed its guards later than
 * `until`, or ends later.
 */
export function toStatement(
  guards: readonly Part[],
  parts: readonly Part[],
  until: number,
): { text: string; params: Params } {
  const textsOf = (some: readonly Part[]): string[] =>
    busyOf(some).map((part) => `CALL () { UNWIND $${part.name} AS r ${part.text} }`);
  const params = Object.fromEntries(busyOf([...guards, ...parts]).map(({ name, rows }) => [name, rows]));
  const text = [...textsOf(guards), STILL_IN_TIME, ...textsOf(parts), IN_TIME].join("\n");
  return { text, params: { ...params, until } };
}

/** The parts that have something to do, each a statement; the last one fails when it comes later than `until`. */
export function toStatements(parts: readonly Part[], until: number): { text: string; params: Params }[] {
  return [
    ...busyOf(parts).map(({ name, text, rows }) => ({
      text: `UNWIND $${name} AS r ${text}`,
      params: { [name]: rows },
    })),
    { text: IN_TIME, params: { until } },
  ];
}

function busyOf(parts: readonly Part[]): readonly Part[] {
  return parts.filter(({ rows }) => rows.length > 0);
}

/** Everything that a decision writes, in the order of the locks. */
export function partsOf(shape: Shape, writes: Writes, loaded: Loaded): Part[] {
  const { nowMs } = loaded.state;
  const { positions, ledger, outbox, parked, retries = [], retried = [], unparked = [], decisions = [] } = writes;
  return [
    {
      name: "positions",
      text: "MERGE (p:Position {key: r.key}) SET p += r",
      rows: positions.map(({ key, next, counts }) => ({
        key,
        next,
        counts: JSON.stringify(counts),
        ...(loaded.positions.has(key) ? { _v: loaded.positions.get(key)!.v + 1 } : {}),
      })),
    },
    ...entityParts(shape, writes, loaded),
    { name: "ledger", text: "CREATE (l:Ledger) SET l = r", rows: ledger.map(fromLedger) },
    {
      name: "outbox",
      text: "MERGE (o:Outbox {key: r.key}) ON CREATE SET o += r",
      rows: outbox.map((row) => fromOutbox(row, nowMs)),
    },
    {
      name: "parked",
      text: `MERGE (k:Parked {key: r.key}) ON CREATE SET k += r ${MARK_DUE}`,
      rows: parked.map(fromParked),
    },
    { name: "unparked", text: "MATCH (k:Parked {key: r}) DELETE k", rows: unparked },
    {
      name: "decisions",
      text:
        "MERGE (d:Decision {key: r.record}) SET d._lock = 0 WITH d, r WHERE coalesce(d.version, '') < r.version SET d += r " +
        `WITH r MATCH (k:Parked {key: r.record}) SET k._lock = 0 ${MARK_DUE}`,
      rows: decisions.map((row) => ({ ...row })),
    },
    {
      name: "retries",
      text: "MERGE (t:Retry {key: r.key}) ON CREATE SET t += r",
      rows: retries.map((row) => fromRetry(row, nowMs)),
    },
    { name: "retried", text: "MATCH (t:Retry {key: r}) DELETE t", rows: retried },
    ...sweepParts(writes),
  ];
}

/** A parked record is due while a decision is later than the last one tried; either may be met first. */
export const MARK_DUE =
  "WITH k OPTIONAL MATCH (d:Decision {key: k.key}) SET k.isDue = CASE WHEN d.version > k.decided THEN true END";

function sweepParts({ sweeps, swept }: Writes): Part[] {
  const ended = swept?.cursor === null;
  const held = "MATCH (s:Sweep {key: r.key}) SET s._lock = 0 WITH s, r WHERE s.revision = toInteger(r.revision)";
  return [
    { name: "ended", text: `${held} DELETE s`, rows: swept !== undefined && ended ? [{ ...swept }] : [] },
    {
      name: "swept",
      text: `${held} SET s.cursor = r.cursor`,
      rows: swept !== undefined && !ended ? [{ ...swept }] : [],
    },
    // After the progress of a sweep: one that this transaction restarts starts from the beginning. A new one has no number of
    // an earlier sweep of the same entity, whose late progress is not this one's.
    {
      name: "sweeps",
      text: "MERGE (s:Sweep {key: r}) SET s._lock = 0 SET s.cursor = '', s.revision = coalesce(s.revision + 1, timestamp())",
      rows: sweeps,
    },
  ];
}

function entityParts(shape: Shape, writes: Writes, loaded: Loaded): Part[] {
  const lists = new Map<string, NodeRow[]>();
  const add = (name: string, row: NodeRow): void => {
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [row]);
    else list.push(row);
  };
  const [marked, unmarked]: [string[], string[]] = [[], []];
  for (const save of writes.entities) {
    const old = loaded.entities.get(save.key);
    if (old === undefined) throw new Error(`Cannot save ${save.key}: it was not loaded`);
    const kind = kindOfKey(save.key);
    const isLabelled = save.visible && !shape.implicit.has(kind) && shape.kinds.includes(kind);
    const prefix = isLabelled === old.shown || shape.implicit.has(kind) ? "save" : isLabelled ? "show" : "hide";
    add(prefix === "save" ? "saves" : `${prefix}${kind}`, nodeRow(shape, save, old));
    if (isUnseen(save.state) !== isUnseen(old.stored.state)) (isUnseen(save.state) ? marked : unmarked).push(save.key);
  }
  const saved = new Set(writes.entities.map(({ key }) => key));
  const names = writes.names.filter((key) => !loaded.entities.get(key)?.stored.existing && !saved.has(key));
  const kept = new Set([...saved, ...names]);
  const bare = [...loaded.entities].filter(([key, { stored }]) => !stored.existing && !kept.has(key));
  const list = (name: string, text: string): Part => ({ name, text, rows: (lists.get(name) ?? []) as never });
  return [
    list("saves", `${FOUND} SET n += r.p`),
    ...shape.kinds.map((kind) => list(`show${kind}`, `${FOUND} SET n:${kind} SET n += r.p`)),
    ...shape.kinds.map((kind) => list(`hide${kind}`, `${FOUND} REMOVE n:${kind} SET n += r.p`)),
    { name: "marked", text: "MATCH (n:Entity {key: r}) SET n:Unseen", rows: marked },
    { name: "unmarked", text: "MATCH (n:Entity {key: r}) REMOVE n:Unseen", rows: unmarked },
    {
      name: "names",
      text: "MERGE (n:Entity {key: r.k}) WITH n, r WHERE n._state IS NULL SET n += r.p",
      rows: names.map((key) => namedRow(key, loaded.entities.get(key)?.v ?? 0)) as never,
    },
    // Locking made these, and nothing came of it.
    { name: "bare", text: "MATCH (n:Entity {key: r}) WHERE n._state IS NULL DELETE n", rows: bare.map(([key]) => key) },
    ...edgeParts(shape, writes.entities, loaded.entities),
  ];
}

const FOUND = "MATCH (n:Entity {key: r.k})";

/** Holds data, but nothing created it yet. */
function isUnseen({ born, fields }: Save["state"]): boolean {
  return born === null && Object.keys(fields).length > 0;
}

/** Relationships that go and come: only where a live edge has another target than before. */
function edgeParts(shape: Shape, saves: readonly Save[], entities: ReadonlyMap<string, LoadedEntity>): Part[] {
  const cut = new Map<string, string[]>();
  const made = new Map<string, Map<string, string[]>>();
  const shown = new Set<string>();
  for (const { key, edges } of saves) {
    if (edges === undefined) continue;
    const { targets: held, cut: notLive } = entities.get(key)!;
    const kind = kindOfKey(key);
    const before = new Map([...held].filter(([field]) => !notLive.includes(field)));
    for (const edge of edges) {
      if (!edge.live || before.get(edge.field) === edge.target) {
        if (edge.live) before.delete(edge.field);
        continue;
      }
      const type = shape.relationOf(kind, edge.field)?.type;
      if (type === undefined) throw new Error(`Cannot save ${key}: ${edge.field} of ${kind} refers to nobody`);
      const targets = made.get(type) ?? new Map<string, string[]>();
      made.set(type, targets);
      const sources = targets.get(edge.target);
      if (sources === undefined) targets.set(edge.target, [key]);
      else sources.push(key);
      if (shape.implicit.has(kindOfKey(edge.target))) shown.add(edge.target);
    }
    for (const field of before.keys()) {
      const { type } = shape.relationOf(kind, field)!;
      const sources = cut.get(type);
      if (sources === undefined) cut.set(type, [key]);
      else sources.push(key);
    }
  }
  const implicit = [...shape.implicit];
  return [
    ...shape.relations.map((relation) => ({
      name: `cut${relation.type}`,
      // Whoever is visible by edges alone is so no longer when the last one went.
      text: `MATCH ${arrow(relation, ":Entity {key: r}", `x:${relation.type}`, "t")} DELETE x WITH DISTINCT t WHERE NOT EXISTS { (t)--() } ${implicit.map((kind) => `REMOVE t:${kind}`).join(" ")}`,
      rows: cut.get(relation.type) ?? [],
    })),
    ...shape.relations.map((relation) => ({
      name: `make${relation.type}`,
      text: `MATCH (t:Entity {key: r.t}) UNWIND r.s AS k MATCH (s:Entity {key: k}) CREATE ${arrow(relation, "s", `:${relation.type}`, "t")}`,
      rows: [...(made.get(relation.type) ?? [])].sort(byTarget).map(([t, s]) => ({ t, s })),
    })),
    ...implicit.map((kind) => ({
      name: `touch${kind}`,
      text: `MATCH (t:Entity {key: r}) WHERE NOT t:${kind} SET t:${kind}`,
      rows: [...shown].filter((key) => kindOfKey(key) === kind).sort(),
    })),
  ];
}

/** In one order everywhere: the ends of relationships are locked as they are met. */
function byTarget([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
