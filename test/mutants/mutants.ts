// For each rule of core-proof (a) a textual change of the sources that breaks it. Properties that let one live are
// blind to that rule. `find` has to occur exactly once, so that a mutant cannot quietly stop mutating.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are source text, templates and all.

export interface Mutant {
  readonly rule: string;
  /** What the mutated program does. */
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The property expected to notice; the others are tried after it. */
  readonly property: number;
}

const STATE = "domain/state.ts";
const DECISION = "app/decision.ts";
const PROJECTION = "domain/projection.ts";
const SETTLE = "domain/settle.ts";
const ACCEPT = "app/accept.ts";
const RECEIVE = "app/receive.ts";
const SQLITE = "adapters/database/sqlite-transact.ts";

export const mutants: readonly Mutant[] = [
  {
    rule: "#1",
    name: "an ended activity refuses later changes",
    file: DECISION,
    find: "const held = stateOf(change.key);",
    replace:
      'const held = stateOf(change.key); if (held.fields.ended !== undefined && change.type !== "delete") continue;',
    property: 1,
  },
  {
    rule: "#2",
    name: "a delete keeps earlier registers",
    file: STATE,
    find: "if (register[1] > version) fields[name] = register;",
    replace: "fields[name] = register;",
    property: 1,
  },
  {
    rule: "#2",
    name: "a change older than the delete is still taken",
    file: STATE,
    find: "const erased = state.died !== null && version <= state.died;",
    replace: "const erased = false;",
    property: 1,
  },
  {
    rule: "#3",
    name: "equal stamps are decided by arrival",
    file: STATE,
    find: "if (version !== heldVersion) return version > heldVersion;",
    replace: "if (version.slice(0, 34) !== heldVersion.slice(0, 34)) return version > heldVersion; return true;",
    property: 1,
  },
  {
    rule: "#4",
    name: "null removes the register",
    file: STATE,
    find: "fields[name] = [value, version];",
    replace: "if (value === null) delete fields[name]; else fields[name] = [value, version];",
    property: 1,
  },
  {
    rule: "#5",
    name: "a create writes its defaults",
    file: "flows/define.ts",
    find: "return [{ type, key: entityKey(tenant, kind.name, data.id as string), fields }];",
    replace:
      'const whole = type === "create" && kind.name === "Memory" ? { tags: [], ...fields } : fields;\n' +
      "    return [{ type, key: entityKey(tenant, kind.name, data.id as string), fields: whole }];",
    property: 1,
  },
  {
    rule: "#6",
    name: "startedAt is the earliest ever written",
    file: STATE,
    find: "if (!erased && wins(fields[name], value, version)) {",
    replace:
      'const first = name === "startedAt" && (fields[name] === undefined || version <= fields[name][1]);\n' +
      '    if (!erased && (name === "startedAt" ? first : wins(fields[name], value, version))) {',
    property: 1,
  },
  {
    rule: "#7",
    name: "the first end of an activity wins",
    file: STATE,
    find: "if (!erased && wins(fields[name], value, version)) {",
    replace:
      'const first = name === "ended" && (fields[name] === undefined || version <= fields[name][1]);\n' +
      '    if (!erased && (name === "ended" ? first : wins(fields[name], value, version))) {',
    property: 1,
  },
  {
    rule: "#8",
    name: "an end writes end and status apart",
    file: "flows/activity.ts",
    find: "fields: { ended: endedRegister(data) },",
    replace: 'fields: { ...(endedRegister(data) as { [name: string]: Json }), status: "ended" },',
    property: 1,
  },
  {
    rule: "#9",
    name: "lists are appended to",
    file: STATE,
    find: "fields[name] = [value, version];",
    replace:
      "const before = fields[name]?.[0];\n" +
      "      fields[name] = [Array.isArray(value) && Array.isArray(before) ? [...before, ...value] : value, version];",
    property: 3,
  },
  {
    rule: "#10",
    name: "only the winner names whom it refers to",
    file: DECISION,
    find: "for (const target of targetsOf(model, arrival.changes)) names.add(target);",
    replace: "if (won > 0) for (const target of targetsOf(model, arrival.changes)) names.add(target);",
    property: 2,
  },
  {
    rule: "#11",
    name: "tenants are not encoded in keys",
    file: "domain/key.ts",
    find: "return `${encodeURIComponent(tenant)}/${kind}/${encodeURIComponent(id)}`;",
    replace: "return `${tenant}/${kind}/${encodeURIComponent(id)}`;",
    property: 1,
  },
  {
    rule: "#11",
    name: "the ledger's key has no tenant",
    file: "domain/key.ts",
    find: "return `${encodeURIComponent(tenant)}/${encodeURIComponent(operationId)}`;",
    replace: "return `${tenant === operationId}/${encodeURIComponent(operationId)}`;",
    property: 1,
  },
  {
    rule: "#11",
    name: "an event's source and id are joined as they are",
    file: "flows/events.ts",
    find: '${encodeURIComponent((source as string | undefined) ?? "/")}/${encodeURIComponent(id as string)}',
    replace: '${(source as string | undefined) ?? "/"}/${id as string}',
    property: 1,
  },
  {
    rule: "#13",
    name: "a revived session gets its old messages back",
    file: PROJECTION,
    find: "return target.state.died !== null && referral.version < target.state.died;",
    replace: "return target.state.died !== null && !isAlive(target.state) && referral.version < target.state.died;",
    property: 1,
  },
  {
    rule: "#13",
    name: "a cascade deletes only whom it meets",
    file: PROJECTION,
    find: "return isCut(referral, owner) || (isAlive(owner.state) && owner.hidden);",
    replace: "return owner.existing && isAlive(state) && isCut(referral, owner) && owner.hidden;",
    property: 1,
  },
  {
    rule: "#13",
    name: "whatever refers to a deleted entity is hidden",
    file: PROJECTION,
    find: "if (!referral.reference.owner) return false;",
    replace: "",
    property: 1,
  },
  {
    rule: "#14",
    name: "a move keeps its old edge",
    file: SETTLE,
    find: "return a.target === b.target && a.version === b.version;",
    replace: 'return typeof a.target === "string" && typeof b.target === "string";',
    property: 1,
  },
  {
    rule: "#14",
    name: "an edge to an invisible target counts as live",
    file: PROJECTION,
    find: "return isVisible(model, referral.target, target) && !isCut(referral, target);",
    replace: "return model.size > 0 && !isCut(referral, target);",
    property: 1,
  },
  {
    rule: "#16",
    name: "sweeps start at deletes alone",
    file: SETTLE,
    find: "return old.state.died !== now.state.died || isAlive(old.state) !== isAlive(now.state) || old.hidden !== now.hidden;",
    replace: "return old.state.died !== now.state.died && isAlive(old.state) !== isAlive(now.state);",
    property: 1,
  },
  {
    rule: "#16",
    name: "an entity that became hidden is not swept",
    file: SETTLE,
    find: " || old.hidden !== now.hidden;",
    replace: ";",
    property: 1,
  },
  {
    rule: "#16",
    name: "a sweep ends after its first chunk",
    file: "app/sweep.ts",
    find: "cursor: page.next };",
    replace: "cursor: page.next === null ? page.next : null };",
    property: 1,
  },
  {
    rule: "#17",
    name: "tombstones are collected",
    file: SQLITE,
    find: "    encodeState(state),",
    replace: "    encodeState(state.born === null && Object.keys(state.fields).length === 0 ? UNTOUCHED : state),",
    property: 1,
  },
  {
    rule: "#18",
    name: "an update of an unseen entity waits in a queue for the create",
    file: DECISION,
    find: "const held = stateOf(change.key);",
    replace: 'const held = stateOf(change.key); if (change.type === "update" && held.born === null) continue;',
    property: 1,
  },
  {
    rule: "#19",
    name: "an update of an unseen entity does not say so",
    file: "domain/outcome.ts",
    find: "...(alive || isDelete ? {} : { unseen: true as const }),",
    replace: "...(alive === isDelete ? {} : {}),",
    property: 5,
  },
  {
    rule: "#20",
    name: "an operation that lost a register counts as superseded",
    file: "domain/outcome.ts",
    find: "if (won === 0) return",
    replace: "if (won === 0 || lost.length > 0) return",
    property: 5,
  },
  {
    rule: "#20",
    name: "a duplicate is answered as if it came first",
    file: DECISION,
    find: "note(arrival, row, true);",
    replace: 'note(arrival, { ...row, outcome: { outcome: "superseded" } }, true);',
    property: 5,
  },
  {
    rule: "#21",
    name: "what was partly lost is not told",
    file: "domain/outcome.ts",
    find: "...(lost.length > 0 ? { lost } : {}),",
    replace: "...(lost.length < 0 ? { lost } : {}),",
    property: 5,
  },
  {
    rule: "#24",
    name: "a fallback record gets a new stamp",
    file: "app/apply-now.ts",
    find: "    record,\n    reason: failure.reason,",
    replace:
      'record: record.replace(operation.stamp, operation.stamp.slice(0, 18) + "eeeeeeeeeeeeeeee"), reason: failure.reason,',
    property: 10,
  },
  {
    rule: "#24",
    name: "a retry under a key keeps the id and gets a new stamp",
    file: ACCEPT,
    find: "{ id: row.operationId, stamp: row.stamp }",
    replace: "{ id: row.operationId, stamp: identity.stamp }",
    property: 10,
  },
  {
    rule: "#24",
    name: "a relayed record gets a new id",
    file: "app/relay.ts",
    find: "value: row.record }",
    replace: 'value: row.record.replace(/"id":"[^"]{8}/, \'"id":"ffffffff\') }',
    property: 10,
  },
  {
    rule: "#27",
    name: "a stranger's stamp is not bounded",
    file: RECEIVE,
    find: "!minted && isAhead(record.stamp, nowMs)",
    replace: "!minted && isAhead(record.stamp, nowMs * 1_000)",
    property: 11,
  },
  {
    rule: "#27",
    name: "a stranger's stamp moves the clock",
    file: RECEIVE,
    find: "if (minted) deps.stampClock.observe(operation.stamp);",
    replace: "deps.stampClock.observe(operation.stamp);",
    property: 11,
  },
  {
    rule: "#27",
    name: "our own stamps are bounded by the reader's clock",
    file: RECEIVE,
    find: "!minted && isAhead(record.stamp, nowMs)",
    replace: "isAhead(record.stamp, nowMs)",
    property: 1,
  },
  {
    rule: "(b)",
    name: "a position is not compared before it moves",
    file: DECISION,
    find: "if (next !== from)",
    replace: "if (next !== from && next < 0)",
    property: 5,
  },
  {
    rule: "#29",
    name: "a position moves by what was read, wherever it stands",
    file: DECISION,
    find: "next: to.get(key) ?? held.next,",
    replace: "next: Math.max(held.next, (to.get(key) ?? held.next) - 1),",
    property: 5,
  },
  {
    rule: "#30",
    name: "an unknown produce counts as accepted",
    file: ACCEPT,
    find: 'if (result.status === "ok") {',
    replace: 'if (result.status === "ok" || result.status === "unknown") {',
    property: 1,
  },
  {
    rule: "#32",
    name: "what the outside world said stays out of the log",
    file: "app/prepare.ts",
    find: "...(deps.flowsOn.has(result.flow) ? { outbox: outboxRow(deps, result) } : {}),",
    replace: "",
    property: 13,
  },
  {
    rule: "#32",
    name: "a result has an id of its own each time",
    file: "app/prepare.ts",
    find: "const id = resultIdOf(request, deps.entropy.macs);",
    replace: "const id = resultIdOf({ ...request, id: deps.entropy.hex(32) }, deps.entropy.macs);",
    property: 13,
  },
  {
    rule: "#33",
    name: "a text rests on what came after its request",
    file: "flows/texts.ts",
    find: ' === "string" && isWithin(stampOfVersion(register[1]));',
    replace: ' === "string";',
    property: 13,
  },
  {
    rule: "#33",
    name: "a text is stale only once it would read more or fewer",
    file: "flows/texts.ts",
    find: "return JSON.stringify(now.basis.read) !== JSON.stringify(basis.read);",
    replace: "return now.basis.read.length !== basis.read.length;",
    property: 13,
  },
  {
    rule: "#35",
    name: "the relay forgets a row before its produce is confirmed",
    file: "app/relay.ts",
    find: 'if (result.status === "ok") done.push(row.key);',
    replace: 'if (result.status !== "fatal") done.push(row.key);',
    property: 4,
  },
  {
    rule: "#35",
    name: "fallback operations never reach the log",
    file: DECISION,
    find: "if (arrival.outbox !== undefined) outbox.push(arrival.outbox);",
    replace: "",
    property: 4,
  },
  {
    rule: "#36",
    name: "each tenant decides about a parked record for itself",
    file: ACCEPT,
    find: '${type.internal ? "/decision" : keyPart(tenant)}/',
    replace: '${keyPart(tenant)}/${type.internal ? "decision/" : ""}',
    property: 12,
  },
  {
    rule: "#39",
    name: "duplicates are not counted",
    file: DECISION,
    find: "count(arrival.countedBy, { records: 1, duplicate: 1 });",
    replace: "count(arrival.countedBy, {});",
    property: 5,
  },
];
