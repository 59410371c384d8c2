import { TrustError } from '@talosprotocol/protocol';
import type { EvmBlock } from './block.js';
import { type Rpc, refusalOf } from './json-rpc.js';
import { readQuantity } from './rpc-values.js';

/** What a transaction offers for each unit of gas, in wei. Without `tip` the chain has no EIP-1559. */
export interface Fees {
  readonly max: bigint;
  readonly tip?: bigint;
}

/** For chains whose endpoint names none. */
const USUAL_TIP = 1_000_000_000n;

/** What the next blocks ask for, and never more than the limit. The base fee may double before the offer is too low.
 *  @throws {TrustError} UNAVAILABLE: the chain asks for more than the limit */
export async function askFees(rpc: Rpc, block: EvmBlock, limit: bigint): Promise<Fees> {
  if (block.baseFee === undefined) {
    const price = readQuantity(await rpc('eth_gasPrice'), 'price of gas');
    return price <= limit ? { max: price } : refuse(price, limit);
  }
  const asked = await askTip(rpc);
  const price = block.baseFee + asked;
  if (price > limit) return refuse(price, limit);
  const max = smaller(2n * block.baseFee + asked, limit);
  return { max, tip: smaller(asked, max) };
}

/** What replaces a transaction that offered `last`: nodes ask for a tenth more of both.
 *  @throws {TrustError} UNAVAILABLE: that is more than the limit */
export function raiseFees(asked: Fees, last: Fees, limit: bigint): Fees {
  const max = larger(asked.max, raised(last.max));
  if (max > limit) return refuse(max, limit);
  if (asked.tip === undefined || last.tip === undefined) return { max };
  return { max, tip: smaller(larger(asked.tip, raised(last.tip)), max) };
}

async function askTip(rpc: Rpc): Promise<bigint> {
  try {
    return readQuantity(await rpc('eth_maxPriorityFeePerGas'), 'tip');
  } catch (error) {
    if (refusalOf(error) === undefined) throw error;
    return USUAL_TIP;
  }
}

function raised(fee: bigint): bigint {
  return (fee * 1125n) / 1000n + 1n;
}

function refuse(price: bigint, limit: bigint): never {
  throw new TrustError(
    'UNAVAILABLE',
    `gas costs ${inGwei(price)} gwei, more than the limit of ${inGwei(limit)}`,
    {
      hint: 'anchoring goes on when it costs less; or raise maxFeeGwei in talos.yaml',
    },
  );
}

function inGwei(wei: bigint): string {
  return (Number(wei / 1_000_000n) / 1000).toString();
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
