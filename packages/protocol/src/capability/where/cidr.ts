import { malformed } from '../../error.js';
import { isInBlock, parseAddress } from '../address.js';
import { type ArgumentTest, ofString } from './test.js';

const BITS = /^(?:0|[1-9]\d{0,2})$/;

/** `cidr`: an address of the block's family inside the block. An IPv6 form of an IPv4 address is of the IPv6 family.
 *  @throws {TrustError} MALFORMED: not `address/bits`, or a bit set behind the first `bits` */
export function isInCidr(value: string): ArgumentTest {
  const slash = value.indexOf('/');
  const block = parseAddress(value.slice(0, Math.max(0, slash)));
  const length = value.slice(slash + 1);
  const bits = Number(length);
  if (block === undefined || !BITS.test(length) || bits > block.length * 8) {
    throw malformed('`cidr` without address/bits');
  }
  if (!isAligned(block, bits)) throw malformed('`cidr` with bits set behind its block');
  return ofString((argument) => {
    const address = parseAddress(argument);
    return address !== undefined && isInBlock(address, block, bits);
  });
}

function isAligned(block: readonly number[], bits: number): boolean {
  const base = block.map((byte, index) => byte & (0xff << (8 - Math.min(8, Math.max(0, bits - index * 8)))));
  return isInBlock(block, base, block.length * 8);
}
