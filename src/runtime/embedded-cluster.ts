/** Names the embedded log in positions, wherever it lies. */
export const EMBEDDED_CLUSTER = "embedded";
