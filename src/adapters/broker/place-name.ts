/** Names a partition in a map. */
export function nameOf({ topic, partition }: { readonly topic?: unknown; readonly partition?: unknown }): string {
  return `${String(topic)}/${String(partition)}`;
}
