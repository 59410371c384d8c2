import { TrustError } from '@talosprotocol/protocol';
import { privateKeyToAccount } from 'viem/accounts';
import { bytesToHex, keccak256 } from 'viem/utils';
import type { Secret } from '../../../platform/secret.js';
import type { Fees } from './fees.js';
import { type Rpc, refusalOf } from './json-rpc.js';
import { type Hex, readBytes, readQuantity, toQuantity } from './rpc-values.js';

/** What a transaction does; `to` is absent in one that creates a contract. */
export interface Action {
  readonly to?: Hex;
  readonly data: Hex;
}

/** A signed transaction. `raw` may be sent by anybody any number of times: it counts once. */
export interface SignedTransaction {
  readonly hash: Hex;
  readonly raw: Hex;
}

/** The key that anchors. It leaves this closure in no form. */
export interface Wallet {
  /** In lowercase. */
  readonly address: Hex;
  sign(
    action: Action,
    terms: { nonce: number; gas: bigint; fees: Fees; chainId: number },
  ): Promise<SignedTransaction>;
}

/** @throws {TypeError} the seed is no key of secp256k1, which one in 2^128 is not */
export function createWallet(seed: Secret<Uint8Array>): Wallet {
  const account = privateKeyToAccount(bytesToHex(seed.reveal()));
  return {
    address: account.address.toLowerCase() as Hex,
    sign: async (action, { nonce, gas, fees, chainId }) => {
      const { max, tip } = fees;
      const price =
        tip === undefined
          ? ({ type: 'legacy', gasPrice: max } as const)
          : ({ type: 'eip1559', maxFeePerGas: max, maxPriorityFeePerGas: tip } as const);
      const raw = await account.signTransaction({ ...action, ...price, chainId, nonce, gas, value: 0n });
      return { hash: keccak256(raw), raw };
    },
  };
}

/** Says what an action would cost in gas, with a fifth more; what would fail fails here.
 *  @throws {TrustError} UPSTREAM_FAILED | UNAVAILABLE */
export async function estimateGas(rpc: Rpc, from: Hex, action: Action, limit: bigint): Promise<bigint> {
  const call = { from, data: action.data, ...(action.to === undefined ? {} : { to: action.to }) };
  const gas = (readQuantity(await rpc('eth_estimateGas', call), 'estimate of gas') * 6n) / 5n;
  if (gas <= limit) return gas;
  throw new TrustError('UPSTREAM_FAILED', `the RPC endpoint estimates ${gas} gas, which no anchor needs`);
}

/** @throws {TrustError} UNAVAILABLE: the key cannot pay that much */
export async function assertFunds(rpc: Rpc, address: Hex, gas: bigint, fees: Fees): Promise<void> {
  const balance = readQuantity(await rpc('eth_getBalance', address, 'latest'), 'balance');
  const needed = gas * fees.max;
  if (balance >= needed) return;
  throw new TrustError('UNAVAILABLE', `${address} has ${balance} wei and an anchor may cost ${needed}`, {
    hint: `send some of the coin of the chain to ${address}`,
  });
}

/** How a node took a transaction: it has it now, its nonce was used before, or it wants a higher fee. */
export type Sent = 'taken' | 'used' | 'underpriced';

const KNOWN = /already known|known transaction|already imported|already in (?:the )?(?:mem)?pool/;
const USED = /nonce (?:is )?too low|invalid nonce|old nonce/;
const UNDERPRICED = /underpriced|fee too low|max fee per gas less than/;

/** Hands a transaction to the node; one that it has already is taken.
 *  @throws {TrustError} UPSTREAM_FAILED | UNAVAILABLE */
export async function send(rpc: Rpc, { raw, hash }: SignedTransaction): Promise<Sent> {
  try {
    const answer = readBytes(await rpc('eth_sendRawTransaction', raw), 'hash of a transaction', 32);
    if (answer !== hash) throw new TrustError('UPSTREAM_FAILED', 'the RPC endpoint sent something else');
    return 'taken';
  } catch (error) {
    const refusal = refusalOf(error) ?? '';
    if (KNOWN.test(refusal)) return 'taken';
    if (USED.test(refusal)) return 'used';
    if (UNDERPRICED.test(refusal)) return 'underpriced';
    throw error;
  }
}

/** How many transactions of the address are in blocks up to that one: the nonce of the next. */
export async function nonceAt(rpc: Rpc, address: Hex, block: number | 'latest'): Promise<number> {
  const tag = block === 'latest' ? block : toQuantity(block);
  return Number(readQuantity(await rpc('eth_getTransactionCount', address, tag), 'nonce'));
}
