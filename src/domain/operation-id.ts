// Operation ids: UUIDv7 (RFC 9562) whose last 32 bits are a MAC of the rest and the tenant. With it the service tells
// an id it gave out, and has not seen applied yet, from one that somebody made up (core-proof #40).

import { hexTime } from "./stamp.ts";

/**
 * The first `digits` (32 at most) of a text's keyed hash as lower-case hex; the secret stays with whoever made the
 * function.
 */
export type Mac = (text: string, digits: number) => string;

const MAC_DIGITS = 8;

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Mints an id from a time, 44 random bits as 11 hex digits, and the tenant's MAC. */
export function mintOperationId(ms: number, random: string, tenant: string, mac: Mac): string {
  const time = hexTime(ms);
  const variant = (8 + (Number.parseInt(random[3]!, 16) & 3)).toString(16);
  const head = `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 11)}`;
  return head + mac(`${tenant}/${head}`, MAC_DIGITS);
}

/**
 * The id of the result of a request, the same whoever computes it (core-proof #32): `ms` is the time of the request's
 * stamp, and the MAC stands in for the random bits.
 */
export function resultOperationId(requestId: string, ms: number, tenant: string, mac: Mac): string {
  return mintOperationId(ms, mac(`result/${tenant}/${requestId}`, 11), tenant, mac);
}

/** When an id was minted, in milliseconds since 1970. */
export function operationIdMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Whether one of the secrets behind `macs` (the current and the previous one) minted this id for this tenant. */
export function isMinted(id: string, tenant: string, macs: readonly Mac[]): boolean {
  if (!UUID_V7.test(id)) return false;
  const head = id.slice(0, 28);
  const tail = id.slice(28);
  return macs.some((mac) => mac(`${tenant}/${head}`, MAC_DIGITS) === tail);
}
