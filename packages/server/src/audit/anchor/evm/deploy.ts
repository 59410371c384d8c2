import { setTimeout as sleep } from 'node:timers/promises';
import { TrustError } from '@talosprotocol/protocol';
import { getContractAddress } from 'viem/utils';
import { readBlock } from './block.js';
import { assertChainId, createEvmChain } from './chain.js';
import { ANCHOR_CREATION_CODE } from './contract.js';
import { askFees } from './fees.js';
import type { Rpc } from './json-rpc.js';
import { type Hex, readMembers, readNumber } from './rpc-values.js';
import { assertFunds, estimateGas, nonceAt, send, type Wallet } from './wallet.js';

export interface DeployOptions {
  readonly rpc: Rpc;
  readonly wallet: Wallet;
  readonly chainId: number;
  /** Most a unit of gas may cost, in wei. */
  readonly maxFee: bigint;
  readonly origin: string;
  readonly limitMs: number;
}

/** A contract that was made. */
export interface Deployed {
  readonly contract: Hex;
  readonly transaction: Hex;
  readonly block: number;
}

const MAX_GAS = 1_000_000n;
const POLL_MS = 500;

/** Puts the anchor contract on a chain. Nobody owns it: it may serve any number of logs.
 *  @throws {TrustError} SETTINGS_INVALID (another chain) | UNAVAILABLE (no funds, gas too dear, not in a block in time)
 *  | UPSTREAM_FAILED */
export async function deployContract(options: DeployOptions): Promise<Deployed> {
  const { rpc, wallet, chainId, maxFee, origin } = options;
  await assertChainId(rpc, chainId);
  const action = { data: ANCHOR_CREATION_CODE };
  const fees = await askFees(rpc, readBlock(await rpc('eth_getBlockByNumber', 'latest', false)), maxFee);
  const gas = await estimateGas(rpc, wallet.address, action, MAX_GAS);
  await assertFunds(rpc, wallet.address, gas, fees);
  const nonce = await nonceAt(rpc, wallet.address, 'latest');
  const signed = await wallet.sign(action, { nonce, gas, fees, chainId });
  const sent = await send(rpc, signed);
  if (sent !== 'taken')
    throw new TrustError('UPSTREAM_FAILED', 'another transaction of this key is under way', {
      hint: 'wait until it is in a block, then try again',
    });
  const block = await waitForBlock(rpc, signed.hash, options.limitMs);
  const contract = getContractAddress({ from: wallet.address, nonce: BigInt(nonce) }).toLowerCase() as Hex;
  await createEvmChain(rpc, { chainId, contract, origin, anchorer: wallet.address }).assertRight();
  return { contract, transaction: signed.hash, block };
}

async function waitForBlock(rpc: Rpc, hash: Hex, limitMs: number): Promise<number> {
  const limit = performance.now() + limitMs;
  while (performance.now() < limit) {
    const receipt = await rpc('eth_getTransactionReceipt', hash);
    if (receipt !== null) {
      const { status, blockNumber } = readMembers(receipt, 'receipt');
      if (readNumber(status, 'status of a receipt') === 1)
        return readNumber(blockNumber, 'number of a block');
      throw new TrustError('UPSTREAM_FAILED', `the chain refused to make the contract (${hash})`);
    }
    await sleep(POLL_MS);
  }
  throw new TrustError('UNAVAILABLE', `the transaction ${hash} is in no block yet`, {
    hint: 'look for it in an explorer of the chain: the contract may still come',
  });
}
