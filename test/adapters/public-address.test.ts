// Which hosts are public, checked against Node's own block list and parser.
import { BlockList, isIP } from "node:net";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPublicAddress, isPublicHost } from "../../src/adapters/webhook/public-address.ts";

const blocked = new BlockList();
for (const [base, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  blocked.addSubnet(base, prefix, "ipv4");
}
const inside = new BlockList();
inside.addSubnet("2000::", 3, "ipv6");
const outside = new BlockList();
for (const [base, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  outside.addSubnet(base, prefix, "ipv6");
}

const v4 = fc
  .tuple(fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203, 223, 224, 255, 8), ...octets(3))
  .map((parts) => parts.join("."));
const v6 = fc
  .tuple(
    fc.constantFrom("2000", "2001", "2002", "2606", "3ffe", "3fff", "4000", "fc00", "fe80", "ff02", "0", "64", "::"),
    fc.constantFrom("0", "1", "1ff", "200", "db8", "fff", "1000", "ff9b"),
    ...Array.from({ length: 6 }, () => fc.integer({ min: 0, max: 0xffff }).map((group) => group.toString(16))),
  )
  .map((groups) => (groups[0] === "::" ? `::${groups.slice(2, 5).join(":")}` : groups.join(":")));

function octets(count: number) {
  const octet = fc.oneof(
    fc.constantFrom(0, 2, 15, 16, 18, 19, 31, 32, 51, 63, 64, 88, 99, 113, 127, 128, 168, 254),
    byte(),
  );
  return Array.from({ length: count }, () => octet);
}
function byte() {
  return fc.integer({ min: 0, max: 255 });
}

describe("isPublicAddress()", () => {
  it("agrees with a block list on every IPv4 address", () => {
    const check = (address: string) => {
      expect(isPublicAddress(address)).toBe(!blocked.check(address, "ipv4"));
    };
    fc.assert(fc.property(fc.oneof(v4, fc.ipV4()), check), { numRuns: 3_000 });
  });

  it("agrees with block lists on every IPv6 address outside of NAT64", () => {
    const check = (address: string) => {
      fc.pre(!/^0*64:ff9b:/i.test(address));
      const expected = inside.check(address, "ipv6") && !outside.check(address, "ipv6");
      expect(isPublicAddress(address)).toBe(expected);
    };
    fc.assert(fc.property(fc.oneof(v6, fc.ipV6()), check), { numRuns: 3_000 });
  });

  it("judges a NAT64 address by the IPv4 address in it, and a mapped one never public", () => {
    const check = (address: string) => {
      expect(isPublicAddress(`64:ff9b::${address}`)).toBe(isPublicAddress(address));
      expect(isPublicAddress(`::ffff:${address}`)).toBe(false);
    };
    fc.assert(fc.property(fc.oneof(v4, fc.ipV4()), check));
  });

  it("does not depend on how an IPv6 address is written", () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    const check = (parts: readonly number[]) => {
      const plain = parts.map((part) => part.toString(16)).join(":");
      const padded = parts.map((part) => part.toString(16).padStart(4, "0").toUpperCase()).join(":");
      expect(isPublicAddress(padded)).toBe(isPublicAddress(plain));
      expect(isPublicAddress(new URL(`http://[${plain}]`).hostname.slice(1, -1))).toBe(isPublicAddress(plain));
    };
    fc.assert(fc.property(groups, check));
  });

  it("never throws, and holds nothing for public that Node holds for no address", () => {
    const chars = fc.constantFrom(..."0123456789abcdefx:.[]%/@ -");
    const text = fc.oneof(fc.string(), fc.string({ unit: chars, maxLength: 45 }));
    const check = (address: string) => {
      expect(isPublicAddress(address) && isIP(address) === 0).toBe(false);
    };
    fc.assert(fc.property(text, check), { numRuns: 3_000 });
  });

  it.each([
    "93.184.216.34",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.0.1",
    "172.32.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "64:ff9b::8.8.8.8",
  ])("%s is public", (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    ["loopback", "127.0.0.1"],
    ["loopback", "::1"],
    ["unspecified", "0.0.0.0"],
    ["unspecified", "::"],
    ["private", "10.1.2.3"],
    ["private", "172.31.255.255"],
    ["private", "192.168.0.1"],
    ["carrier-grade NAT", "100.64.0.1"],
    ["link-local, with a cloud's metadata", "169.254.169.254"],
    ["link-local", "fe80::1"],
    ["with a zone", "fe80::1%eth0"],
    ["unique-local", "fd00:ec2::254"],
    ["multicast", "224.0.0.1"],
    ["multicast", "ff02::1"],
    ["broadcast", "255.255.255.255"],
    ["mapped", "::ffff:127.0.0.1"],
    ["mapped, in hex", "::ffff:7f00:1"],
    ["mapped, of a public one", "::ffff:8.8.8.8"],
    ["compatible", "::127.0.0.1"],
    ["NAT64 of a private one", "64:ff9b::10.0.0.1"],
    ["local NAT64", "64:ff9b:1::808:808"],
    ["6to4", "2002:7f00:1::"],
    ["octal", "010.8.8.8"],
    ["short", "8.8"],
    ["one number", "134744072"],
    ["hex", "0x8.8.8.8"],
    ["too large", "8.8.8.256"],
    ["with a port", "8.8.8.8:80"],
    ["with brackets", "[2606:4700:4700::1111]"],
    ["nothing", ""],
  ])("%s is not public: %s", (_, address) => expect(isPublicAddress(address)).toBe(false));
});

describe("isPublicHost()", () => {
  const hostOf = (url: string) => new URL(url).hostname;
  it.each(["https://example.com", "https://example.com.", "https://8.8.8.8", "https://[2606:4700::1111]"])(
    "%s can be public",
    (url) => expect(isPublicHost(hostOf(url))).toBe(true),
  );
  it.each([
    "https://localhost",
    "https://LOCALHOST.",
    "https://a.localhost",
    "https://localhost.localdomain",
    "https://redis",
    "https://redis.",
    "https://printer.local",
    "https://metadata.google.internal",
    "https://metadata.google.internal.",
    "https://router.home.arpa",
    "https://127.1",
    "https://127.0.0.1.",
    "https://2130706433",
    "https://0x7f.0.0.1",
    "https://0177.0.0.1",
    "https://%31%32%37.0.0.1",
    "https://１２７.0.0.1",
    "https://[::1]",
    "https://[::ffff:10.0.0.1]",
  ])("%s cannot", (url) => expect(isPublicHost(hostOf(url))).toBe(false));
});
