import { TrustError } from '@talosprotocol/protocol';
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils';
import { ANCHOR_ABI } from './contract.js';
import type { Hex } from './rpc-values.js';

/** What the contract holds of a log. `root` is hex without `0x`. */
export interface ContractHead {
  readonly registered: boolean;
  readonly size: number;
  readonly root: string;
}

/** The call that asks for it. */
export function headCall(originHash: Hex, anchorer: Hex): Hex {
  return encodeFunctionData({ abi: ANCHOR_ABI, functionName: 'heads', args: [originHash, anchorer] });
}

export function registerCall(origin: string): Hex {
  return encodeFunctionData({ abi: ANCHOR_ABI, functionName: 'register', args: [origin] });
}

export function anchorCall(originHash: Hex, size: number, root: string): Hex {
  const args = [originHash, BigInt(size), `0x${root}`] as const;
  return encodeFunctionData({ abi: ANCHOR_ABI, functionName: 'anchor', args });
}

/** A size beyond what a log can have becomes infinite: it is larger than every log.
 *  @throws {TrustError} UPSTREAM_FAILED: no contract of ours answered */
export function readContractHead(data: Hex): ContractHead {
  if (data.length !== 2 + 3 * 64)
    throw new TrustError('UPSTREAM_FAILED', 'no anchor contract answers at the address', {
      hint: 'deploy one with talos audit anchor deploy, or check contract and chainId in talos.yaml',
    });
  const [size, registered, root] = decodeFunctionResult({ abi: ANCHOR_ABI, functionName: 'heads', data });
  const number = size > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(size);
  return { registered, size: number, root: root.slice(2) };
}
