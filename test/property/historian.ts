// Outcomes as a second program works them out: it follows the ledger's rows in the order they were committed and says
// what each operation won and lost at that moment (core-proof #20, #21).
import type { PlainOperation } from "./case.ts";
import { lineOf } from "./oracle.ts";

interface History {
  born: string;
  died: string;
  readonly registers: Map<string, string>;
}

/** Answers the outcome of the next operation to be committed, as one line. Versions below every other are "". */
export function createHistorian(): (operation: PlainOperation, entity: string) => string {
  const histories = new Map<string, History>();
  return (operation, entity) => {
    const history = histories.get(entity) ?? { born: "", died: "", registers: new Map() };
    histories.set(entity, history);
    const version = `${operation.stamp}|${operation.id}`;
    if (operation.type === "query") return lineOf({ outcome: "applied" });
    if (operation.type === "delete") return remove(history, version);
    const erased = version <= history.died;
    const born = CREATES.has(operation.type) && !erased && version > history.born;
    if (born) history.born = version;
    const lost = registersOf(operation).filter((name) => {
      if (erased || version < (history.registers.get(name) ?? "")) return true;
      history.registers.set(name, version);
      return false;
    });
    if (!born && lost.length === registersOf(operation).length) return lineOf({ outcome: "superseded" });
    const seen = history.born > history.died;
    return outcomeLine({
      outcome: "applied",
      ...(seen ? {} : { unseen: true }),
      ...(lost.length > 0 ? { lost } : {}),
    });
  };
}

function remove(history: History, version: string): string {
  if (version < history.died) return lineOf({ outcome: "superseded" });
  history.died = version;
  for (const [name, held] of history.registers) if (held <= version) history.registers.delete(name);
  return lineOf({ outcome: "applied" });
}

const CREATES = new Set(["create", "record", "generate", "analyze", "evaluate", "execute"]);

/** The one register of types that write one, whatever they carry. */
const COMPOUND: { readonly [type: string]: string } = {
  end: "ended",
  generate: "of",
  generated: "summary",
  analyze: "about",
  analyzed: "analysis",
  evaluate: "of",
  evaluated: "evaluation",
  complete: "completion",
  executed: "response",
};

/** How many registers an operation writes, its create or delete among them. */
export function countRegisters(operation: PlainOperation): number {
  const { type } = operation;
  return registersOf(operation).length + Number(type === "delete" || CREATES.has(type));
}

/** Names of the registers an operation writes, its create aside. */
function registersOf({ flow, type, data, id }: PlainOperation): string[] {
  if (type === "delete" || type === "query") return [];
  const compound = flow === "summarization" && type === "update" ? "summary" : COMPOUND[type];
  if (compound !== undefined) return [compound];
  const names = Object.keys(flow === "events" ? { id, ...data } : data);
  return names.filter((name) => name !== "id" || flow === "events");
}

/** An outcome as one line; the order of what was lost means nothing. */
export function outcomeLine({
  outcome,
  unseen,
  lost,
}: {
  outcome: string;
  unseen?: boolean;
  lost?: readonly string[];
}): string {
  return lineOf({
    outcome,
    ...(unseen === undefined ? {} : { unseen }),
    ...(lost === undefined ? {} : { lost: [...lost].sort() }),
  });
}
