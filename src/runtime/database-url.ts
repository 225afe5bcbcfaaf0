// Where a rebuild goes to: a file, or a database by its address.

/** Whether it names a Neo4j database and no file. */
export function isDatabaseUrl(into: string): boolean {
  return /^(bolt|neo4j|http)[a-z+]*:\/\//.test(into);
}
