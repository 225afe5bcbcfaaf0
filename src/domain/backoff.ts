// How long to wait before trying again.

/** Exponential delay with full jitter: between half of and the whole of `baseMs * 2^attempts`, at most `maxMs`. */
export function backoffMs(attempts: number, baseMs: number, maxMs: number, random: () => number): number {
  const whole = Math.min(maxMs, baseMs * 2 ** Math.min(attempts, 30));
  return Math.round(whole / 2 + (random() * whole) / 2);
}
