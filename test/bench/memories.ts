// Memories of CHIT-CHAT texts, each its sender's, and the questions that are asked of them.
import { readOperations } from "./operations.ts";

export interface Memory {
  readonly id: string;
  readonly user: string;
  readonly content: string;
}

/** Messages of the whole file are more than enough for as many memories as are ever asked for. */
const OPERATIONS_MAX = 258_145;

/** The first `count` memories of the file. */
export function readMemories(path: string, count: number): Memory[] {
  return readOperations(path, OPERATIONS_MAX)
    .filter(({ flow }) => flow === "chat-messages")
    .slice(0, count)
    .map(({ data }) => ({ id: data.id, user: data.user!, content: data.content as string }));
}

/**
 * Paths of questions, spread over the memories: the commonest word of a memory, its rarest, or both, and its user. The
 * same list for the same memories.
 */
export function questionsOf(memories: readonly Memory[], count: number): string[] {
  const frequency = new Map<string, number>();
  const words = memories.map(({ content }) => [...new Set(content.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])]);
  for (const word of words.flat()) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const questions: string[] = [];
  const step = Math.max(1, Math.floor(memories.length / count));
  for (let i = 0; i < memories.length && questions.length < count; i += step) {
    const ranked = words[i]!.sort((a, b) => frequency.get(b)! - frequency.get(a)!);
    const [common, rare] = [ranked[0], ranked.at(-1)];
    if (common === undefined || rare === undefined) continue;
    const text = [common, rare, `${common} ${rare}`][questions.length % 3]!;
    questions.push(`/v1/memories?${new URLSearchParams({ text, user: memories[i]!.user, limit: "20" })}`);
  }
  return questions;
}
