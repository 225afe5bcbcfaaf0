// When the service asks to be asked again.

/** Milliseconds that a `Retry-After` header asks for: seconds or a date. */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  if (header === undefined || header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
