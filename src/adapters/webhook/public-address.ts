// Which hosts a webhook may have: public ones. A server inside the house must not be reached through this service.

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}
interface Range extends Address {
  readonly prefix: number;
}

/** IPv4 that is not public: https://www.iana.org/assignments/iana-ipv4-special-registry */
const NOT_PUBLIC_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
].map(parseRange);

/** All of IPv6 that is given out to anyone; loopback, mapped, unique-local, link-local and multicast lie outside. */
const PUBLIC_V6 = parseRange("2000::/3");
/** Protocol assignments with Teredo, 6to4 and documentation lie inside. */
const NOT_PUBLIC_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].map(parseRange);
/** On networks without IPv4 every other host has an address in here; its last 32 bits are the IPv4 address. */
const NAT64 = parseRange("64:ff9b::/96");

/** Names that by definition mean something near: RFC 6761, 6762, 8375 and ICANN's `internal`. */
const NEAR_NAMES = ["localhost", "local", "internal", "home.arpa", "localdomain"];

/** Whether a text is an IPv4 or IPv6 address (no brackets, no zone) that anyone on the internet can mean. */
export function isPublicAddress(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && isPublic(parsed);
}

/** Whether a host of a parsed URL is an address, not a name. */
export function isAddress(host: string): boolean {
  return parseAddress(unbracketed(host)) !== undefined;
}

/**
 * Whether a host of a parsed URL can be public: a public address, or a name that does not say of itself that it is
 * near. Where such a name leads is another question, for whoever can look it up.
 */
export function isPublicHost(host: string): boolean {
  const address = parseAddress(unbracketed(host));
  if (address !== undefined) return isPublic(address);
  const name = host.toLowerCase().replace(/\.$/, "");
  return name.includes(".") && !NEAR_NAMES.some((near) => name === near || name.endsWith(`.${near}`));
}

function isPublic(address: Address): boolean {
  if (address.bits === 32) return !NOT_PUBLIC_V4.some((range) => isWithin(address, range));
  if (isWithin(address, NAT64)) return isPublic({ bits: 32, value: address.value & 0xffff_ffffn });
  return isWithin(address, PUBLIC_V6) && !NOT_PUBLIC_V6.some((range) => isWithin(address, range));
}

function isWithin({ bits, value }: Address, range: Range): boolean {
  const rest = BigInt(bits - range.prefix);
  return bits === range.bits && value >> rest === range.value >> rest;
}

function parseRange(text: string): Range {
  const [address = "", prefix] = text.split("/");
  return { ...parseAddress(address)!, prefix: Number(prefix) };
}

function parseAddress(text: string): Address | undefined {
  return text.includes(":") ? parseV6(text) : parseV4(text);
}

/** Four plain decimals: other spellings (octal, hex, short) mean different hosts to different readers. */
function parseV4(text: string): Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return { bits: 32, value: parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) };
}

function parseV6(text: string): Address | undefined {
  const canonical = /^[0-9a-f:.]+$/i.test(text) ? URL.parse(`http://[${text}]/`)?.hostname : undefined;
  if (canonical === undefined) return undefined;
  const [left = "", right] = unbracketed(canonical).split("::");
  const groupsOf = (side = ""): string[] => (side === "" ? [] : side.split(":"));
  const head = groupsOf(left);
  const tail = groupsOf(right);
  const zeros = Array<string>(8 - head.length - tail.length).fill("0");
  const groups = [...head, ...zeros, ...tail];
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) };
}

function unbracketed(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
