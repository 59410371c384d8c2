import type { EvmAnchorProof } from '@talosprotocol/contracts';
import { encodeHex, isTrustError, originHashOf, readChainTrust, verifyAnchor } from '@talosprotocol/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSecret } from '../../../platform/secret.js';
import { clock } from '../../../platform/system.js';
import { createTestLog } from '../../../platform/testing/test-log.js';
import type { AnchoredLog, Anchorer, AnchorProgress, OpenAnchor } from '../anchorer.js';
import { createHttpExchange } from '../http-exchange.js';
import { anchorCall } from './contract-head.js';
import { deployContract } from './deploy.js';
import { createEvmAnchorer, type EvmSettings } from './evm-anchorer.js';
import { createRpc, type Rpc } from './json-rpc.js';
import { parsePlan } from './plan.js';
import type { Hex } from './rpc-values.js';
import { type Anvil, startAnvil } from './testing/anvil.js';
import { type LyingRpc, Refusal, startLyingRpc } from './testing/lying-rpc.js';
import { createWallet, nonceAt, type Wallet } from './wallet.js';

const GWEI = 1_000_000_000n;
const FEES = { max: 50n * GWEI, tip: 2n * GWEI };
const ORIGIN = 'talos.test/log/default';
const ORIGIN_HASH: Hex = `0x${encodeHex(originHashOf(ORIGIN))}`;

let anvil: Anvil;
let liar: LyingRpc;
let contract: Hex;
let wallet: Wallet;
let anchored: AnchoredLog & { grown: number };
let keys = 0;
/** What is kept of the watch for others, by place. */
const watched = new Map<string, string>();
const store = {
  watched: async (place: string) => watched.get(place),
  noteWatched: async (place: string, state: string) => void watched.set(place, state),
};
const lines: string[] = [];

const rpcTo = (url: string): Rpc =>
  createRpc(url, createHttpExchange('the RPC endpoint', new AbortController().signal, 5_000));
const rootOf = (size: number): string => size.toString(16).padStart(64, 'a');

/** A key that nobody used, with some coin. */
async function freshWallet(): Promise<Wallet> {
  keys += 1;
  const fresh = createWallet(createSecret(new Uint8Array(32).fill(1).with(31, keys)));
  await anvil.fund(fresh.address);
  return fresh;
}

async function deploy(): Promise<Hex> {
  const { chainId, rpc } = anvil;
  const options = { rpc, chainId, maxFee: 100n * GWEI, origin: ORIGIN, limitMs: 10_000 };
  return (await deployContract({ ...options, wallet: await freshWallet() })).contract;
}

beforeAll(async () => {
  anvil = await startAnvil();
  liar = await startLyingRpc(anvil.url);
  contract = await deploy();
});
afterAll(async () => {
  await liar?.close();
  await anvil?.stop();
});
beforeEach(async () => {
  liar.lies.clear();
  liar.asked.length = 0;
  lines.length = 0;
  wallet = await freshWallet();
  anchored = { grown: 100, origin: ORIGIN, size: () => anchored.grown, rootAt: async (size) => rootOf(size) };
  await anvil.rpc('evm_setAutomine', true);
});

type Changes = Partial<EvmSettings> & { readonly stuckMs?: number; readonly resendMs?: number };

const anchorer = ({ stuckMs = 60_000, resendMs = 60_000, ...changes }: Changes = {}): Anchorer =>
  createEvmAnchorer(
    {
      chainId: anvil.chainId,
      contract,
      confirmations: 1,
      maxFee: 100n * GWEI,
      everyMs: 0,
      pollMs: 10,
      ...changes,
    },
    {
      rpc: rpcTo(liar.url),
      wallet,
      anchored,
      clock,
      log: createTestLog(lines),
      limits: { stuckMs, resendMs },
      store,
    },
  );

/** An anchor as the loop hands it over; what is kept of it outlives the anchorer. */
function openAnchor(size: number): OpenAnchor & { state: string | undefined; kept: string[] } {
  const anchor = {
    size,
    root: rootOf(size),
    begunMs: clock.now(),
    state: undefined as string | undefined,
    kept: [] as string[],
    keep: async (state: string) => {
      anchor.state = state;
      anchor.kept.push(state);
    },
  };
  return anchor;
}

/** Follows until there is something else to do than to wait. */
/** As the loop that follows anchors, which asks again where a busy node gave the proof of an older state. */
async function settle(by: Anchorer, anchor: OpenAnchor): Promise<AnchorProgress> {
  for (let turn = 0; turn < 20; turn++) {
    const progress = await by.follow(anchor).catch((error: unknown) => {
      // The chain of these tests may answer from another state in the moment in which it makes a block.
      const early = /holds size 0 and not|does not verify: node 0 of the proof/;
      if (isTrustError(error) && early.test(error.data.reason ?? '')) return undefined;
      throw error;
    });
    if (progress !== undefined && progress.kind !== 'waiting') return progress;
  }
  throw new Error('it waits still');
}

async function anchorOf(size: number, changes: Changes = {}): Promise<EvmAnchorProof> {
  const progress = await settle(anchorer(changes), openAnchor(size));
  if (progress.kind !== 'proven' || progress.proof.kind !== 'evm') throw new Error(`it is ${progress.kind}`);
  return progress.proof;
}

/** As an auditor who looked the block up. */
function verify(proof: EvmAnchorProof, hash = proof.block.hash) {
  const { chain, origin } = proof;
  const contracts = [{ chain, address: contract, origin, anchorer: wallet.address }];
  return verifyAnchor(proof, readChainTrust([{ chain, number: proof.block.number, hash }], contracts));
}

const refusal = (code: string, reason: string) =>
  expect.objectContaining({
    code,
    data: expect.objectContaining({ reason: expect.stringContaining(reason) }),
  });

describe('anchoring on an EVM chain (AUD-41)', () => {
  it('registers, anchors, and proves it so that the proof holds offline', async () => {
    const proof = await anchorOf(7);
    const verified = verify(proof);
    expect(verified).toMatchObject({
      size: 7,
      chain: 'eip155:31337',
      origin: ORIGIN,
      number: proof.block.number,
    });
    expect(encodeHex(verified.root)).toBe(rootOf(7));
    const block = (await anvil.rpc(
      'eth_getBlockByNumber',
      `0x${proof.block.number.toString(16)}`,
      false,
    )) as {
      hash: string;
      timestamp: string;
    };
    expect(proof.block.hash).toBe(block.hash);
    expect(verified.time).toBe(Number(block.timestamp));
    expect(verify(await anchorOf(8)).size).toBe(8);
  });

  it('does not hold for another block of that number', async () => {
    const proof = await anchorOf(7);
    expect(() => verify(proof, `0x${'11'.repeat(32)}`)).toThrow(refusal('PROOF_NOT_PROVEN', 'another one'));
  });

  it('waits until the block has the confirmations', async () => {
    const by = anchorer({ confirmations: 4 });
    const anchor = openAnchor(7);
    for (let turn = 0; turn < 8; turn++) expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    await anvil.mine(2);
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    await anvil.mine(1);
    expect(await by.follow(anchor)).toMatchObject({ kind: 'proven', proof: { size: 7 } });
  });

  it('takes a head that is there already as its own: nothing is sent twice', async () => {
    await anchorOf(7);
    const before = await nonceAt(anvil.rpc, wallet.address, 'latest');
    expect(await anchorOf(7)).toMatchObject({ size: 7 });
    expect(await nonceAt(anvil.rpc, wallet.address, 'latest')).toBe(before);
  });

  it('gives up an anchor that a larger one overtook', async () => {
    await anchorOf(9);
    expect(await settle(anchorer(), openAnchor(8))).toMatchObject({ kind: 'given-up' });
  });
});

describe('the contract (AUD-37)', () => {
  const call = async (from: Wallet, data: Hex): Promise<unknown> =>
    anvil.rpc('eth_call', { from: from.address, to: contract, data }, 'latest');

  it('takes no smaller and no equal size', async () => {
    await anchorOf(7);
    for (const size of [6, 7]) {
      await expect(call(wallet, anchorCall(ORIGIN_HASH, size, rootOf(1)))).rejects.toThrow(
        refusal('UPSTREAM_FAILED', 'refuses: execution reverted'),
      );
    }
    await expect(call(wallet, anchorCall(ORIGIN_HASH, 8, rootOf(8)))).resolves.toBe('0x');
  });

  it('takes nothing from whoever did not register, whatever others registered', async () => {
    await anchorOf(7);
    const foreigner = await freshWallet();
    await expect(call(foreigner, anchorCall(ORIGIN_HASH, 8, rootOf(8)))).rejects.toThrow(
      'execution reverted',
    );
  });

  it('keeps a squatter of an origin away from the head of its anchorer', async () => {
    const owner = wallet;
    wallet = await freshWallet();
    await anchorOf(90);
    wallet = owner;
    expect(verify(await anchorOf(7)).size).toBe(7);
  });
});

describe('what stands in the way of an anchor', () => {
  it('another chain than the one meant', async () => {
    await expect(anchorer({ chainId: 1 }).follow(openAnchor(7))).rejects.toThrow(
      refusal('SETTINGS_INVALID', 'of chain 31337 and not 1'),
    );
  });

  it('other code at the address, or none', async () => {
    for (const other of [wallet.address, `0x${'00'.repeat(19)}04`] as const)
      await expect(anchorer({ contract: other }).follow(openAnchor(7))).rejects.toThrow(
        refusal('SETTINGS_INVALID', 'is no anchor contract'),
      );
  });

  it('gas that costs more than the limit: nothing is signed', async () => {
    const anchor = openAnchor(7);
    await expect(anchorer({ maxFee: 1n }).follow(anchor)).rejects.toThrow(
      refusal('UNAVAILABLE', 'gas costs'),
    );
    expect(anchor.kept).toEqual([]);
    expect(liar.asked).not.toContain('eth_sendRawTransaction');
  });

  it('a key without coin: the address to fund is named', async () => {
    await anvil.rpc('anvil_setBalance', wallet.address, '0x0');
    await expect(anchorer().follow(openAnchor(7))).rejects.toThrow(
      expect.objectContaining({
        data: expect.objectContaining({ hint: expect.stringContaining(wallet.address) }),
      }),
    );
  });

  it('a head on the chain that is larger than the log, or another one: a fork, and nothing is sent', async () => {
    await anchorOf(50);
    anchored.grown = 40;
    const anchor = openAnchor(40);
    await expect(anchorer().follow(anchor)).rejects.toThrow(refusal('CONFLICT', 'holds size 50'));
    expect((await anchorer().look()).alarms).toContainEqual(expect.objectContaining({ code: 'FORK' }));
    anchored.grown = 60;
    const rootAt = async (size: number): Promise<string> => rootOf(size + 1);
    Object.assign(anchored, { rootAt });
    await expect(anchorer().follow(openAnchor(60))).rejects.toThrow(
      refusal('CONFLICT', 'another root for size 50'),
    );
    expect(anchor.kept).toEqual([]);
  });

  it('somebody else who anchors the same origin is named, once', async () => {
    contract = await deploy();
    await anchorOf(7);
    const owner = wallet;
    wallet = await freshWallet();
    await anchorOf(90);
    const foreign = wallet.address;
    wallet = owner;
    const by = anchorer();
    const reason = `${foreign} anchors ${ORIGIN} too, at size 90`;
    expect((await by.look()).alarms).toEqual([{ code: 'FOREIGN', reason }]);
    expect(await by.look()).toEqual({ alarms: [], blind: undefined, unseen: 0 });
    // Another process says it again: what an operator must look at does not end with one.
    expect((await anchorer().look()).alarms).toEqual([{ code: 'FOREIGN', reason }]);
  });

  it('somebody who anchored during a downtime of many blocks is named', async () => {
    contract = await deploy();
    await anchorer().look();
    const owner = wallet;
    wallet = await freshWallet();
    await anchorOf(90);
    await anvil.mine(1_100);
    const foreign = wallet.address;
    wallet = owner;
    const { alarms } = await anchorer().look();
    expect(alarms).toEqual([{ code: 'FOREIGN', reason: expect.stringContaining(foreign) }]);
  });

  it('more events than one answer may hold hide nobody', async () => {
    contract = await deploy();
    const owner = wallet;
    const flood = await freshWallet();
    wallet = flood;
    await anchorOf(1);
    const first = await nonceAt(anvil.rpc, flood.address, 'latest');
    await anvil.rpc('evm_setAutomine', false);
    for (let count = 0; count < 1_001; count += 1) {
      const { raw } = await flood.sign(
        { to: contract, data: anchorCall(ORIGIN_HASH, count + 2, rootOf(2)) },
        { nonce: first + count, gas: 60_000n, fees: FEES, chainId: anvil.chainId },
      );
      await anvil.rpc('eth_sendRawTransaction', raw);
    }
    await anvil.mine(8);
    await anvil.rpc('evm_setAutomine', true);
    wallet = await freshWallet();
    await anchorOf(90);
    const hidden = wallet.address;
    wallet = owner;
    // It takes more questions than one look has, to find out which blocks are full.
    const by = anchorer();
    const sights = [await by.look(), await by.look(), await by.look()];
    expect(sights.map(({ blind }) => blind)).toEqual([undefined, undefined, undefined]);
    expect(sights[2]?.unseen).toBe(0);
    const named = sights.flatMap(({ alarms }) => alarms.map(({ reason }) => reason.slice(0, 42)));
    expect(named).toEqual([flood.address, hidden]);
  }, 60_000);

  it('whoever registers an origin under many keys is named eight times, and then summed up', async () => {
    contract = await deploy();
    for (let i = 0; i < 9; i++) {
      wallet = await freshWallet();
      await anchorOf(7);
    }
    wallet = await freshWallet();
    const { alarms } = await anchorer().look();
    expect(alarms).toHaveLength(9);
    expect(alarms[8]?.reason).toContain('more than 8 others');
  });
});

describe('deploying the contract', () => {
  const deployBy = async (changes: object = {}): Promise<unknown> =>
    deployContract({
      rpc: rpcTo(liar.url),
      wallet,
      chainId: anvil.chainId,
      maxFee: 100n * GWEI,
      origin: ORIGIN,
      limitMs: 5_000,
      ...changes,
    });

  it('puts it where every log may use it', async () => {
    contract = ((await deployBy()) as { contract: Hex }).contract;
    wallet = await freshWallet();
    expect(verify(await anchorOf(7)).size).toBe(7);
  });

  it('refuses another chain, gas beyond the limit, and a key without coin, and sends nothing', async () => {
    await expect(deployBy({ chainId: 1 })).rejects.toThrow(refusal('SETTINGS_INVALID', 'and not 1'));
    await expect(deployBy({ maxFee: 1n })).rejects.toThrow(refusal('UNAVAILABLE', 'gas costs'));
    await anvil.rpc('anvil_setBalance', wallet.address, '0x0');
    await expect(deployBy()).rejects.toThrow(refusal('UNAVAILABLE', `${wallet.address} has 0 wei`));
    expect(liar.asked).not.toContain('eth_sendRawTransaction');
  });

  it('says so if the chain refuses it, does not take it in time, or has another one of the key', async () => {
    liar.lies.set('eth_getTransactionReceipt', () => ({ status: '0x0' }));
    await expect(deployBy()).rejects.toThrow(refusal('UPSTREAM_FAILED', 'the chain refused'));
    liar.lies.clear();
    liar.lies.set('eth_getBlockByNumber', async (_, honest) => honest());
    liar.lies.set('eth_getTransactionReceipt', async () => null as never);
    await anvil.rpc('evm_setAutomine', false);
    await expect(deployBy({ limitMs: 100 })).rejects.toThrow(refusal('UNAVAILABLE', 'is in no block yet'));
    await expect(deployBy({ maxFee: 99n * GWEI })).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/UPSTREAM_FAILED|UNAVAILABLE/) }),
    );
    await anvil.rpc('anvil_dropAllTransactions');
  });
});

describe('an endpoint that lies or fails (AUD-42)', () => {
  it('says of a transaction that is in no block that it is: nothing is proven, and nothing sent twice', async () => {
    await anchorOf(7);
    await anvil.rpc('evm_setAutomine', false);
    const by = anchorer({ resendMs: 0 });
    const anchor = openAnchor(8);
    await by.follow(anchor);
    liar.lies.set('eth_getTransactionReceipt', () => ({ status: '0x1', blockNumber: '0x1' }));
    liar.lies.set('eth_getTransactionCount', () => '0xff');
    await expect(by.follow(anchor)).rejects.toThrow(
      refusal('UPSTREAM_FAILED', 'whose state does not have it'),
    );
    await expect(by.follow(anchor)).rejects.toThrow(
      refusal('UPSTREAM_FAILED', 'whose state does not have it'),
    );
    expect(anchor.kept).toHaveLength(1);
  });

  it('says that the contract holds a head which it does not: the proof shows it', async () => {
    await anchorOf(7);
    const lie = `0x${(8).toString(16).padStart(64, '0')}${'1'.padStart(64, '0')}${rootOf(8)}`;
    liar.lies.set('eth_call', () => lie);
    await expect(anchorer().follow(openAnchor(8))).rejects.toThrow(
      refusal('UPSTREAM_FAILED', 'does not verify: the contract holds size 7 and not 8'),
    );
  });

  it.each([
    ['eth_chainId', 'x', 'no proper chain id'],
    ['eth_chainId', '0xffffffffffffffffff', 'no proper chain id'],
    ['eth_getBlockByNumber', [], 'no proper block'],
    ['eth_getLogs', {}, 'no proper list of events'],
    ['eth_call', '0x1', 'no proper answer of the contract'],
    ['eth_call', '0x12', 'no anchor contract answers'],
  ])('gives to %s what is none: %j', async (method, answer, reason) => {
    await anchorOf(7);
    liar.lies.set(method, () => answer);
    const by = anchorer();
    if (method === 'eth_getLogs') expect((await by.look()).blind).toEqual(refusal('UPSTREAM_FAILED', reason));
    else await expect(by.follow(openAnchor(8))).rejects.toThrow(refusal('UPSTREAM_FAILED', reason));
  });

  it.each([
    [
      'a header that it does not have',
      'eth_getBlockByNumber',
      { timestamp: '0x1' },
      'not what the endpoint says',
    ],
    ['a proof of another account', 'eth_getProof', { accountProof: ['0xc0'] }, 'does not verify'],
    ['a proof without storage', 'eth_getProof', { storageProof: [] }, 'proof of a trie'],
    ['a proof that is none', 'eth_getProof', { accountProof: 'x' }, 'proof of a trie'],
  ])('gives %s', async (_, method, changes, reason) => {
    await anchorOf(7);
    liar.lies.set(method, async (__, honest) => ({ ...((await honest()) as object), ...changes }));
    await expect(anchorer().follow(openAnchor(7))).rejects.toThrow(refusal('UPSTREAM_FAILED', reason));
  });

  it('calls it reverted: it is planned anew, and the contract takes it once', async () => {
    await anchorOf(7);
    await anvil.rpc('evm_setAutomine', false);
    const by = anchorer();
    const anchor = openAnchor(8);
    await by.follow(anchor);
    liar.lies.set('eth_getTransactionReceipt', () => ({ status: '0x0', blockNumber: '0x1' }));
    liar.lies.set('eth_getTransactionCount', () => '0xff');
    await expect(by.follow(anchor)).rejects.toThrow(refusal('UPSTREAM_FAILED', 'refused the transaction'));
    liar.lies.clear();
    // In a block before anybody looks again: a plan that is made while it gets there is refused by the contract.
    await anvil.rpc('evm_mine');
    await anvil.rpc('evm_setAutomine', true);
    expect(await settle(by, anchor)).toMatchObject({ kind: 'proven' });
  });

  it('asks for a tip or for gas beyond all bounds', async () => {
    liar.lies.set('eth_maxPriorityFeePerGas', () => `0x${'f'.repeat(16)}`);
    await expect(anchorer().follow(openAnchor(7))).rejects.toThrow(refusal('UNAVAILABLE', 'gas costs'));
    liar.lies.clear();
    liar.lies.set('eth_estimateGas', () => `0x${'f'.repeat(16)}`);
    await expect(anchorer().follow(openAnchor(7))).rejects.toThrow(
      refusal('UPSTREAM_FAILED', 'which no anchor needs'),
    );
  });

  it('sends another transaction than the one it was given, or says so', async () => {
    liar.lies.set('eth_sendRawTransaction', () => `0x${'12'.repeat(32)}`);
    await expect(anchorer().follow(openAnchor(7))).rejects.toThrow(
      refusal('UPSTREAM_FAILED', 'sent something else'),
    );
  });

  it('is not there', async () => {
    const by = createEvmAnchorer(
      { chainId: 31_337, contract, confirmations: 1, maxFee: GWEI, everyMs: 0, pollMs: 1 },
      {
        rpc: rpcTo('http://127.0.0.1:1/key-in-the-path'),
        wallet,
        anchored,
        clock,
        log: createTestLog(lines),
        limits: { stuckMs: 1, resendMs: 1 },
        store,
      },
    );
    await expect(by.follow(openAnchor(7))).rejects.toThrow(refusal('UNAVAILABLE', 'cannot be reached'));
    const error = await by.follow(openAnchor(7)).catch((thrown: Error) => thrown);
    expect(JSON.stringify([String(error), (error as Error).cause ?? ''])).not.toContain('key-in-the-path');
  });

  it('does not know the tip: the usual one is offered', async () => {
    liar.lies.set('eth_maxPriorityFeePerGas', () => {
      throw new Refusal('the method does not exist');
    });
    expect(await anchorOf(7)).toMatchObject({ size: 7 });
  });

  it('is of a chain without EIP-1559', async () => {
    liar.lies.set('eth_getBlockByNumber', async (params, honest) => {
      const block = (await honest()) as Record<string, unknown>;
      return params[0] === 'latest' ? { ...block, baseFeePerGas: undefined } : block;
    });
    expect(await anchorOf(7)).toMatchObject({ size: 7 });
    await expect(anchorer({ maxFee: 1n }).follow(openAnchor(8))).rejects.toThrow(
      refusal('UNAVAILABLE', 'gas costs'),
    );
  });
});

describe('a transaction on its way (AUD-42)', () => {
  /** Registered, and no block comes by itself any more. */
  beforeEach(async () => {
    await anchorOf(7);
    await anvil.rpc('evm_setAutomine', false);
  });
  const sentOf = (): number => liar.asked.filter((method) => method === 'eth_sendRawTransaction').length;

  it('is kept before it is sent: killed in between, it is sent by the next process, and by no other bytes', async () => {
    liar.lies.set('eth_sendRawTransaction', () => {
      throw new Refusal('the process was killed here');
    });
    const anchor = openAnchor(8);
    await expect(anchorer().follow(anchor)).rejects.toThrow('killed here');
    const plan = parsePlan(anchor.state);
    liar.lies.clear();
    const next = anchorer();
    await next.follow(anchor);
    await anvil.mine(1);
    expect(await settle(next, anchor)).toMatchObject({ kind: 'proven' });
    const receipt = await anvil.rpc('eth_getTransactionReceipt', plan?.attempts[0].hash);
    expect(receipt).toMatchObject({ status: '0x1' });
  });

  it('was sent by a process that was killed before it heard so: it is anchored once', async () => {
    const anchor = openAnchor(8);
    liar.lies.set('eth_sendRawTransaction', async (_, honest) => {
      await honest();
      throw new Refusal('the process was killed here');
    });
    await expect(anchorer().follow(anchor)).rejects.toThrow('killed here');
    liar.lies.clear();
    const before = await nonceAt(anvil.rpc, wallet.address, 'latest');
    const next = anchorer();
    await next.follow(anchor);
    await next.follow(anchor);
    await anvil.mine(1);
    expect(await settle(next, anchor)).toMatchObject({ kind: 'proven' });
    expect(await nonceAt(anvil.rpc, wallet.address, 'latest')).toBe(before + 1);
    expect(anchor.kept).toHaveLength(1);
  });

  it('is handed over again if the node forgot it', async () => {
    const by = anchorer({ resendMs: 0 });
    const anchor = openAnchor(8);
    await by.follow(anchor);
    await anvil.rpc('anvil_dropAllTransactions');
    await by.follow(anchor);
    await anvil.mine(1);
    expect(await settle(by, anchor)).toMatchObject({ kind: 'proven' });
  });

  it('waits without being sent all the time', async () => {
    const by = anchorer();
    const anchor = openAnchor(8);
    const before = sentOf();
    for (let turn = 0; turn < 5; turn++) await by.follow(anchor);
    expect(sentOf()).toBe(before + 1);
  });

  it('is offered for more if it waits too long, up to the limit', async () => {
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${GWEI.toString(16)}`);
    await anvil.mine(1);
    const by = anchorer({ stuckMs: 0, resendMs: 0, maxFee: 4n * GWEI });
    const anchor = openAnchor(8);
    await by.follow(anchor);
    const refused = await untilRefused(() => by.follow(anchor));
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      data: { reason: expect.stringContaining('gas costs') },
    });
    const plan = parsePlan(anchor.state);
    expect(plan?.attempts.length).toBeGreaterThan(1);
    expect(plan?.attempts.every(({ fees }) => fees.max <= 4n * GWEI)).toBe(true);
    await anvil.mine(1);
    expect(await settle(anchorer(), anchor)).toMatchObject({ kind: 'proven' });
  });

  it('is offered for more at once if the node says that it offers too little', async () => {
    const anchor = openAnchor(8);
    await anchorer().follow(anchor);
    liar.lies.set('eth_sendRawTransaction', () => {
      liar.lies.delete('eth_sendRawTransaction');
      throw new Refusal('replacement transaction underpriced');
    });
    await anchorer().follow(anchor);
    expect(parsePlan(anchor.state)?.attempts).toHaveLength(2);
  });

  it('is planned anew if another transaction took its nonce', async () => {
    const by = anchorer();
    const anchor = openAnchor(8);
    await by.follow(anchor);
    const { nonce = 0 } = parsePlan(anchor.state) ?? {};
    await anvil.rpc('anvil_dropAllTransactions');
    const fees = { max: 50n * GWEI, tip: 2n * GWEI };
    const other = await wallet.sign(
      { to: wallet.address, data: '0x' },
      { nonce, gas: 21_000n, fees, chainId: anvil.chainId },
    );
    await anvil.rpc('eth_sendRawTransaction', other.raw);
    await anvil.mine(1);
    await by.follow(anchor);
    expect(parsePlan(anchor.state)).toBeUndefined();
    await by.follow(anchor);
    await anvil.mine(1);
    expect(await settle(by, anchor)).toMatchObject({ kind: 'proven' });
  });

  it('is planned anew if the chain refused it', async () => {
    const by = anchorer();
    const anchor = openAnchor(8);
    await by.follow(anchor);
    const plan = parsePlan(anchor.state);
    // Too little gas, as if a fork had made the call dearer.
    const attempt = plan?.attempts[0];
    const starved = await wallet.sign(
      { to: contract, data: anchorCall(ORIGIN_HASH, 8, rootOf(8)) },
      {
        nonce: plan?.nonce ?? 0,
        gas: 25_000n,
        fees: { max: 50n * GWEI, tip: 2n * GWEI },
        chainId: anvil.chainId,
      },
    );
    await anvil.rpc('anvil_dropAllTransactions');
    await anvil.rpc('eth_sendRawTransaction', starved.raw);
    await anvil.mine(1);
    anchor.state = anchor.state?.replace(attempt?.hash ?? '', starved.hash);
    await expect(by.follow(anchor)).rejects.toThrow(refusal('UPSTREAM_FAILED', 'refused the transaction'));
    await by.follow(anchor);
    await anvil.mine(1);
    expect(await settle(by, anchor)).toMatchObject({ kind: 'proven' });
  });
});

describe('a chain that changes its mind (AUD-42)', () => {
  it('drops the block of an anchor: it is noticed, and anchored anew', async () => {
    const anchor = openAnchor(7);
    const by = anchorer({ resendMs: 0 });
    const snapshot = await anvil.rpc('evm_snapshot');
    const first = await settle(by, anchor);
    if (first.kind !== 'proven' || first.proof.kind !== 'evm') throw new Error('not proven');
    expect(await by.holds(first.proof)).toBe(true);
    await anvil.rpc('evm_revert', snapshot);
    await anvil.fund(wallet.address);
    await expect(by.holds(first.proof)).rejects.toThrow(refusal('UNAVAILABLE', 'it is behind'));
    await anvil.mine(10);
    expect(await by.holds(first.proof)).toBe(false);
    const second = await settle(by, anchor);
    if (second.kind !== 'proven' || second.proof.kind !== 'evm') throw new Error('not proven');
    expect(verify(second.proof).size).toBe(7);
    expect(second.proof.block.hash).not.toBe(first.proof.block.hash);
    const { chain, block } = second.proof;
    // An auditor who looks the first block up finds another one.
    const found = { chain, number: first.proof.block.number, hash: block.hash };
    const contracts = [{ chain, address: contract, origin: ORIGIN, anchorer: wallet.address }];
    expect(() => verifyAnchor(first.proof, readChainTrust([found], contracts))).toThrow('another one');
  });

  it('reorganises its last blocks', async () => {
    const anchor = openAnchor(7);
    const by = anchorer({ resendMs: 0, confirmations: 1 });
    const first = await settle(by, anchor);
    if (first.kind !== 'proven' || first.proof.kind !== 'evm') throw new Error('not proven');
    await anvil.mine(3);
    await anvil.rpc('anvil_reorg', 5, []);
    expect(await by.holds(first.proof)).toBe(false);
    const second = await settle(by, anchor);
    expect(second).toMatchObject({ kind: 'proven', proof: { size: 7 } });
  });
});

async function untilRefused(work: () => Promise<unknown>): Promise<unknown> {
  for (let turn = 0; turn < 100; turn++) {
    try {
      await work();
    } catch (error) {
      return error;
    }
  }
  throw new Error('nothing refused it');
}
