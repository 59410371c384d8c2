import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type AddressBytes, isInBlock, parseAddress } from '@talosprotocol/protocol';

type Block = readonly [base: AddressBytes, bits: number];

/** Where no service that an operator calls can be: this network, the link (cloud metadata), groups, and the places where
 *  clouds tell a machine its own keys, outside the link: Alibaba, Oracle and Azure, and over IPv6 AWS, Google, Oracle, Scaleway,
 *  and others by their addresses of IPv4. */
const NOWHERE: readonly Block[] = [
  [[0, 0, 0, 0], 8],
  [[169, 254, 0, 0], 16],
  [[224, 0, 0, 0], 4],
  [[255, 255, 255, 255], 32],
  [[100, 100, 100, 200], 32],
  [[192, 0, 0, 192], 32],
  [[168, 63, 129, 16], 32],
  [ipv6([]), 128],
  [ipv6([0xfe, 0x80]), 10],
  [ipv6([0xff]), 8],
  [ipv6([0xfd, 0x00, 0x0e, 0xc2]), 32],
  [ipv6([0xfd, 0x20, 0x00, 0xce], [0x02, 0x54]), 128],
  [ipv6([0xfd, 0x00, 0x00, 0xc1]), 32],
  [ipv6([0xfd, 0x00, 0x00, 0x42], [0x00, 0x42]), 128],
  [ipv6([0xfd, 0x00, 0xa9, 0xfe, 0xa9, 0xfe], [0x00, 0x01]), 128],
  [ipv6([0xfd, 0x00, 0x01, 0x00], [0x01, 0x00, 0x02, 0x00]), 128],
  // Teredo, which leads through somebody else's server.
  [ipv6([0x20, 0x01, 0x00, 0x00]), 32],
];

/** Forms of IPv6 that carry an IPv4 address, and at which byte: mapped, translated (NAT64, also of a network of its own),
 *  compatible, 6to4. */
const CARRIERS: readonly (readonly [Block, number])[] = [
  [[ipv6([...Array<number>(10).fill(0), 0xff, 0xff]), 96], 12],
  [[ipv6([...Array<number>(8).fill(0), 0xff, 0xff, 0, 0]), 96], 12],
  [[ipv6([0x00, 0x64, 0xff, 0x9b]), 96], 12],
  [[ipv6([0x00, 0x64, 0xff, 0x9b, 0x00, 0x01]), 48], 12],
  [[ipv6([]), 96], 12],
  [[ipv6([0x20, 0x02]), 16], 2],
];

/** Names of the places where clouds tell a machine its own keys; some resolve only there. */
const METADATA =
  /^(?:metadata(?:\.google\.internal|\.goog|\.azure\.internal|\.internal|\.tencentyun\.com)?|instance-data(?:\.ec2\.internal)?)$/;

/** False for an address where no service can be that an operator has calls sent to: link-local, unspecified, multicast, and
 *  the metadata services of clouds, also in the forms of IPv6 that carry one. Private addresses and this machine are true: models run there. */
export function isOutwardAddress(address: AddressBytes): boolean {
  if (NOWHERE.some(([base, bits]) => isInBlock(address, base, bits))) return false;
  return CARRIERS.every(
    ([[base, bits], at]) =>
      !isInBlock(address, base, bits) || isLoopback(address) || isOutwardAddress(address.slice(at, at + 4)),
  );
}

/** The same for the host of a URL, as the WHATWG parser writes it. A name is looked up when a connection is made:
 *  `createOutwardLookup`. */
export function isOutwardHost(host: string): boolean {
  const address = parseAddress(host.startsWith('[') ? host.slice(1, -1) : host);
  return address === undefined ? !METADATA.test(host.replace(/\.+$/, '')) : isOutwardAddress(address);
}

/** Of the error that a connection fails with whose name leads to such an address. */
export const REFUSED_ADDRESS = 'TALOS_REFUSED_ADDRESS';

/** Looks names up for connections, and refuses one as a whole if any of its addresses is none of `isOutwardAddress`. What was
 *  looked at is what is connected to. `resolve` is by default what every program of this machine asks. */
export function createOutwardLookup(resolve: typeof lookup = lookup): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      const [first] = found ?? [];
      if (error !== null || first === undefined) return callback(error ?? refused(), '', 0);
      if (!found.every(({ address }) => isOutwardText(address))) return callback(refused(), '', 0);
      if (options.all === true) return callback(null, found);
      callback(null, first.address, first.family);
    });
  };
}

/** An address with a zone is one of the link. */
function isOutwardText(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && isOutwardAddress(address);
}

function refused(): NodeJS.ErrnoException {
  return Object.assign(new Error('the name leads to an address that is not connected to'), {
    code: REFUSED_ADDRESS,
  });
}

const isLoopback = (address: AddressBytes): boolean => isInBlock(address, ipv6([], [1]), 128);

/** An IPv6 address that begins and ends with these bytes. */
function ipv6(head: AddressBytes, tail: AddressBytes = []): AddressBytes {
  return [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}
