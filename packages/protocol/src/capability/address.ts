/** The bytes of an IP address: 4 or 16, most significant first. */
export type AddressBytes = readonly number[];

const IPV4_PART = /^(?:0|[1-9]\d{0,2})$/;
const IPV6_PART = /^[0-9a-fA-F]{1,4}$/;

/** Reads an IPv4 or IPv6 address. IPv4 is four decimal parts without leading zeros (RFC 6943 section 3.1.1: the
 *  other spellings mean different things to different readers); IPv6 is RFC 4291 section 2.2 without a zone.
 *  Undefined for anything else. */
export function parseAddress(text: string): AddressBytes | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** True if the first `bits` bits of both are equal; false for addresses of two families. */
export function isInBlock(address: AddressBytes, block: AddressBytes, bits: number): boolean {
  if (address.length !== block.length) return false;
  for (let i = 0; i * 8 < bits; i++) {
    const mask = bits - i * 8 >= 8 ? 0xff : 0xff & (0xff << (8 - (bits - i * 8)));
    if ((((address[i] as number) ^ (block[i] as number)) & mask) !== 0) return false;
  }
  return true;
}

/** IPv4 blocks that are not globally reachable, or are multicast (RFC 6890 and the IANA registry). */
const PRIVATE_IPV4: readonly Block[] = [
  [[0, 0, 0, 0], 8],
  [[10, 0, 0, 0], 8],
  [[100, 64, 0, 0], 10],
  [[127, 0, 0, 0], 8],
  [[169, 254, 0, 0], 16],
  [[172, 16, 0, 0], 12],
  [[192, 0, 0, 0], 24],
  [[192, 0, 2, 0], 24],
  [[192, 88, 99, 0], 24],
  [[192, 168, 0, 0], 16],
  [[198, 18, 0, 0], 15],
  [[198, 51, 100, 0], 24],
  [[203, 0, 113, 0], 24],
  [[224, 0, 0, 0], 3],
];

/** Global unicast, and within it: protocol assignments with Teredo, documentation, 6to4, documentation. Both
 *  tunnels carry an IPv4 address that could be private. */
const GLOBAL_IPV6: Block = [ipv6(0x2000), 3];
const PRIVATE_IPV6: readonly Block[] = [
  [ipv6(0x2001), 23],
  [ipv6(0x2001, 0x0db8), 32],
  [ipv6(0x2002), 16],
  [ipv6(0x3fff), 20],
];

type Block = readonly [base: AddressBytes, bits: number];

/** True for an address that is not publicly reachable: loopback, private, link-local (cloud metadata), shared,
 *  multicast, reserved, and every IPv6 form that carries an IPv4 address. */
export function isPrivateAddress(address: AddressBytes): boolean {
  if (address.length === 4) return isInAny(address, PRIVATE_IPV4);
  return !isInBlock(address, ...GLOBAL_IPV6) || isInAny(address, PRIVATE_IPV6);
}

/** True for a URL's host (as the WHATWG parser writes it) that is a private address, or a name that always means
 *  this machine (RFC 6761 section 6.3). Other names are not looked up: who connects must check where they lead. */
export function isPrivateHost(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const address = parseAddress(host.startsWith('[') ? host.slice(1, -1) : host);
  return address !== undefined && isPrivateAddress(address);
}

function isInAny(address: AddressBytes, blocks: readonly Block[]): boolean {
  return blocks.some(([base, bits]) => isInBlock(address, base, bits));
}

function parseIpv4(text: string): AddressBytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => IPV4_PART.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): AddressBytes | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] as string, halves.length === 1);
  const tail = parseGroups(halves[1] ?? '', true);
  if (head === undefined || tail === undefined) return undefined;
  const gap = 16 - head.length - tail.length;
  // `::` stands for at least one group; without it nothing may be missing.
  if (halves.length === 2 ? gap < 2 : gap !== 0) return undefined;
  return [...head, ...Array<number>(gap).fill(0), ...tail];
}

/** Groups of 16 bits as bytes; the very last one may be an IPv4 address. */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    const ipv4 = isLast && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (ipv4 !== undefined) bytes.push(...ipv4);
    else if (IPV6_PART.test(group)) bytes.push(...split16(Number.parseInt(group, 16)));
    else return undefined;
  }
  return bytes;
}

function ipv6(...groups: readonly number[]): AddressBytes {
  const bytes = groups.flatMap(split16);
  return [...bytes, ...Array<number>(16 - bytes.length).fill(0)];
}

function split16(group: number): [number, number] {
  return [group >> 8, group & 0xff];
}
