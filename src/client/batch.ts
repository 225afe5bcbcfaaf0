// What the answer to a batch means for each of its items.
import { isForLater } from "./error.ts";

/** The answer to one item, as far as it is looked at here. */
export interface ItemAnswer {
  readonly status: number;
  readonly problem?: object;
}

/** What one attempt brought for the items that it left open. */
export type Sorted<Item, Answer> =
  | { readonly sort: "settled" }
  /** They may be answered better; `answer` is why, undefined when the answer was cut off. */
  | { readonly sort: "later"; readonly open: readonly Item[]; readonly answer: Answer | undefined }
  /** The service refuses them as a whole: in smaller company each can be told from the others. */
  | { readonly sort: "refused"; readonly open: readonly Item[]; readonly answer: Answer };

/** Settles what was answered for good. Items without an answer are open, and so are those that may be answered better. */
export function sortAnswers<Item, Answer extends ItemAnswer>(
  items: readonly Item[],
  answers: readonly Answer[],
  settle: (item: Item, answer: Answer) => void,
): Sorted<Item, Answer> {
  const last = answers.at(-1);
  // Fewer answers than items: the last one speaks for the rest, unless the connection was cut after it.
  const isFewer = answers.length < items.length;
  // It does so as well when the rest is one item; whether it is about that item alone, the item shows alone.
  const isForRest = isFewer || (items.length > 1 && (last?.status === 413 || last?.status === 400));
  const cut = isForRest && last !== undefined && last.problem !== undefined;
  const single = cut ? answers.length - 1 : Math.min(answers.length, items.length);
  const later: Item[] = [];
  let answer: Answer | undefined;
  for (let i = 0; i < single; i++) {
    if (!isForLater(answers[i]!.status)) settle(items[i]!, answers[i]!);
    else {
      later.push(items[i]!);
      answer = answers[i]!;
    }
  }
  if (cut && !isForLater(last.status) && later.length === 0) {
    return { sort: "refused", open: items.slice(single), answer: last };
  }
  const open = [...later, ...items.slice(single)];
  return open.length === 0 ? { sort: "settled" } : { sort: "later", open, answer };
}
