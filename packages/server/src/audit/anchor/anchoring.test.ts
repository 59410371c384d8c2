import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AnchorList, type AnchorSettings, createChecker, type TrustFile } from '@talosprotocol/contracts';
import {
  canonicalBytes,
  encodeHex,
  originHashOf,
  parseAnchorEvidence,
  parseTrustFile,
  verifyAnchorEvidence,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../platform/metrics/metrics.js';
import { createSecret } from '../../platform/secret.js';
import { ADMIN_TOKEN, openTestListener } from '../../platform/testing/listener.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { archiveOf, bringLog } from '../archive/testing/archived-log.js';
import type { AuditDeps } from '../deps.js';
import { type Audit, createAudit } from '../service.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from '../testing/room.js';
import { createAnchorStore } from './anchor-store.js';
import { anchorCall } from './evm/contract-head.js';
import { deployContract } from './evm/deploy.js';
import type { Hex } from './evm/rpc-values.js';
import { type Anvil, startAnvil } from './evm/testing/anvil.js';
import { type LyingRpc, Refusal, startLyingRpc } from './evm/testing/lying-rpc.js';
import { createWallet } from './evm/wallet.js';
import {
  type LocalCalendar,
  padded,
  startLocalCalendar,
  startLocalExplorer,
} from './ots/testing/local-calendar.js';
import { createAnchorRoutes } from './routes.js';

const crypto = createNodeCrypto();
const ORIGIN = 'talos.test/log/default';
const GWEI = 1_000_000_000n;

let world: AuditWorld;
let tiles: string;
let anvil: Anvil;
let liar: LyingRpc;
let contract: string;
let calendar: LocalCalendar;
let keys = 100;
let seed: Uint8Array;
const rooms: Audit[] = [];
const lines: string[] = [];

beforeAll(async () => {
  [world, anvil, calendar] = await Promise.all([openAuditWorld(), startAnvil(), startLocalCalendar()]);
  liar = await startLyingRpc(anvil.url);
  const deployer = createWallet(createSecret(new Uint8Array(32).fill(9)));
  await anvil.fund(deployer.address);
  const { rpc, chainId } = anvil;
  const options = { rpc, wallet: deployer, chainId, maxFee: 100n * GWEI, origin: ORIGIN, limitMs: 20_000 };
  ({ contract } = await deployContract(options));
});
afterAll(async () => {
  await Promise.all([world?.close(), anvil?.stop(), liar?.close(), calendar?.close()]);
});
beforeEach(async () => {
  tiles = await world.fresh();
  await world.sql.query('TRUNCATE audit_anchor');
  liar.lies.clear();
  lines.length = 0;
  keys += 1;
  seed = new Uint8Array(32).fill(2).with(31, keys);
  await anvil.fund(anchorer());
});
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.stop();
});

const anchorer = (): string => createWallet(createSecret(seed)).address;
const evm = (changes: object = {}): AnchorSettings => ({
  kind: 'evm',
  rpc: liar.url,
  chainId: anvil.chainId,
  contract,
  confirmations: 1,
  maxFeeGwei: 100,
  everySeconds: 1,
  ...changes,
});
const ots = (): AnchorSettings => ({ kind: 'opentimestamps', calendars: [calendar.url], everySeconds: 1 });

async function openRoom(
  settings: readonly AnchorSettings[],
  changes: Partial<AuditDeps> = {},
): Promise<Audit> {
  const limits = { evmPollMs: 50, otsPollMs: 50, resendMs: 0, stuckMs: 60_000, answerMs: 5_000 };
  const anchors = { settings, key: async () => createSecret(seed), limits };
  const room = createAudit(
    auditDeps(world.sql, tiles, { chainAnchors: anchors, log: createTestLog(lines), ...changes }),
  );
  await room.start();
  rooms.push(room);
  return room;
}

async function record(room: Audit, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await room.record(decision({ effect: 'deny' }));
}

const provenSize = (room: Audit): number => room.anchoring.status()[0]?.proven?.size ?? 0;
/** Blocks come until what was handed in is in one: on a slow machine it is handed in again. */
const mined = (room: Audit): number => {
  if (calendar.waiting() > 0) calendar.mine();
  return provenSize(room);
};
const sized = (room: Audit): number => room.checkpoint().size;

/** What an auditor keeps who looked these blocks up, and has the rest from whoever runs the log. */
async function trustWith(room: Audit, blocks: TrustFile['blocks']) {
  const file = { ...(await room.trust()), blocks };
  return parseTrustFile(canonicalBytes(file), crypto);
}

async function lookUp(number: number): Promise<{ chain: string; number: number; hash: string }> {
  const block = (await anvil.rpc('eth_getBlockByNumber', `0x${number.toString(16)}`, false)) as {
    hash: string;
  };
  return { chain: `eip155:${anvil.chainId}`, number, hash: block.hash };
}

/** As the bytes travel. */
async function evidenceOf(room: Audit, size?: number, kind?: 'evm' | 'opentimestamps') {
  const evidence = await room.anchoring.evidence({ size, kind });
  return parseAnchorEvidence(canonicalBytes(evidence));
}

describe('a log that is anchored (AUD-40, AUD-44)', () => {
  it('is anchored again and again, and each anchor holds offline with a checkpoint made later', async () => {
    const room = await openRoom([evm()]);
    await record(room, 5);
    await expect.poll(() => provenSize(room)).toBeGreaterThanOrEqual(1);
    expect(await room.anchoring.confirmedSize()).toBeGreaterThanOrEqual(1);
    const first = provenSize(room);
    await record(room, 300);
    await expect.poll(() => provenSize(room)).toBeGreaterThan(first);
    await expect.poll(() => sized(room)).toBeGreaterThan(300);
    const evidence = await evidenceOf(room, first);
    if (evidence.anchor.kind !== 'evm') throw new Error('another kind');
    const trust = await trustWith(room, [await lookUp(evidence.anchor.block.number)]);
    const { anchor, checkpoint } = verifyAnchorEvidence(evidence, trust, crypto);
    expect(anchor).toMatchObject({ size: first, chain: 'eip155:31337' });
    expect(checkpoint.size).toBeGreaterThan(300);
    expect(await room.anchoring.proofs(first, first)).toEqual([evidence.anchor]);
  });

  it('tells an auditor the contracts of talos.yaml with its own address, and no block (AUD-37)', async () => {
    const upper = `0x${contract.slice(2).toUpperCase()}`;
    const { contracts, blocks } = await (await openRoom([evm({ contract: upper }), ots()])).trust();
    const chain = `eip155:${anvil.chainId}`;
    expect(contracts).toEqual([{ chain, address: contract, origin: ORIGIN, anchorer: anchorer() }]);
    expect(blocks).toBeUndefined();
    await rooms.splice(0)[0]?.stop();
    expect(await (await openRoom([ots()])).trust()).not.toHaveProperty('contracts');
  });

  it('says how far behind anchoring is, in entries and seconds', async () => {
    let now = 1_790_000_000_000;
    liar.lies.set('eth_chainId', () => {
      throw new Refusal('down for maintenance');
    });
    const clock = { now: () => now, monotonic: () => performance.now() };
    const room = await openRoom([evm()], { clock });
    await record(room, 10);
    await expect.poll(() => room.checkpoint().size).toBeGreaterThanOrEqual(11);
    now += 90_000;
    await expect
      .poll(() => room.anchoring.status()[0])
      .toMatchObject({
        lag: { entries: sized(room), seconds: 90 },
        proven: undefined,
        fault: { code: 'UPSTREAM_FAILED', reason: expect.stringContaining('down for maintenance') },
      });
    liar.lies.clear();
    await expect.poll(() => provenSize(room)).toBeGreaterThanOrEqual(1);
    expect(room.anchoring.status()[0]?.fault).toBeUndefined();
  });

  it('records while the chain is unreachable, and ends in time while it does not answer', async () => {
    liar.lies.set('eth_chainId', () => new Promise(() => undefined));
    const room = await openRoom([evm()]);
    const started = performance.now();
    await record(room, 20);
    expect(performance.now() - started).toBeLessThan(5_000);
    await room.stop();
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(rooms.splice(0)).toEqual([room]);
  });

  it('goes on after a restart, and sends nothing twice', async () => {
    await anvil.rpc('evm_setAutomine', false);
    try {
      const first = await openRoom([evm()]);
      await expect.poll(async () => anvil.rpc('txpool_status')).toMatchObject({ pending: '0x1' });
      await rooms.splice(0)[0]?.stop();
      expect(provenSize(first)).toBe(0);
    } finally {
      await anvil.rpc('evm_setAutomine', true);
    }
    await anvil.mine(1);
    const room = await openRoom([evm({ everySeconds: 3600 })]);
    await expect.poll(() => provenSize(room)).toBeGreaterThanOrEqual(1);
    // The registration and one anchor.
    expect(await anvil.rpc('eth_getTransactionCount', anchorer(), 'latest')).toBe('0x2');
  });

  it('notices that the chain dropped an anchor, says so, and anchors it anew', async () => {
    const room = await openRoom([evm({ everySeconds: 3600 })]);
    await expect.poll(() => provenSize(room)).toBeGreaterThanOrEqual(1);
    const size = provenSize(room);
    const before = await evidenceOf(room, size);
    await anvil.mine(2);
    await anvil.rpc('anvil_reorg', 4, []);
    await expect
      .poll(() => room.anchoring.status()[0]?.alarms)
      .toContainEqual(
        expect.objectContaining({ code: 'REORG', reason: expect.stringContaining(`size ${size}`) }),
      );
    await expect.poll(() => provenSize(room)).toBe(size);
    const after = await evidenceOf(room, size);
    if (after.anchor.kind !== 'evm' || before.anchor.kind !== 'evm') throw new Error('another kind');
    expect(after.anchor.block.hash).not.toBe(before.anchor.block.hash);
    const trust = await trustWith(room, [await lookUp(after.anchor.block.number)]);
    expect(verifyAnchorEvidence(after, trust, crypto).anchor.size).toBe(size);
  });

  // AUD-133
  it('goes on where an import left it: the chain is asked for what was anchored, and nothing is sent again', async () => {
    const settings = evm({ everySeconds: 3600 });
    const first = await openRoom([settings]);
    await record(first, 5);
    await expect.poll(() => provenSize(first)).toBeGreaterThanOrEqual(1);
    await expect.poll(() => sized(first)).toBeGreaterThanOrEqual(6);
    const [at, sent] = [provenSize(first), await anvil.rpc('eth_getTransactionCount', anchorer(), 'latest')];
    const { anchors } = await first.anchoring.page(sized(first), { after: 0, place: '' });
    await rooms.splice(0)[0]?.stop();
    const files = await archiveOf(world, first, tiles, anchors);
    tiles = await world.fresh();
    const place = await mkdtemp(join(tmpdir(), 'talos-anchored-'));
    const brought = await bringLog(files, { world, place, folder: tiles, vkey: first.vkey });
    expect(brought).toMatchObject({ end: 'imported', imported: { anchors: 1 } });
    // While the chain cannot be asked, it is evidence, and no more.
    let refused = 0;
    liar.lies.set('eth_getBlockByNumber', () => {
      refused += 1;
      throw new Refusal('down for maintenance');
    });
    const room = await openRoom([settings]);
    expect((await evidenceOf(room, at)).anchor).toEqual(anchors[0]);
    await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThan(3);
    expect([provenSize(room), await room.anchoring.confirmedSize()]).toEqual([0, 0]);
    liar.lies.clear();
    await expect.poll(() => provenSize(room), { timeout: 10_000 }).toBe(at);
    expect(await room.anchoring.confirmedSize()).toBe(at);
    expect(room.anchoring.status()).toMatchObject([{ proven: { size: at }, open: 0, alarms: [] }]);
    expect(await anvil.rpc('eth_getTransactionCount', anchorer(), 'latest')).toBe(sent);
    await rm(place, { recursive: true });
  });

  // AUD-133
  it('forgets an imported anchor of a chain that has other blocks, and is anchored anew when the time comes', async () => {
    const first = await openRoom([evm({ everySeconds: 3600 })]);
    await expect.poll(() => provenSize(first)).toBeGreaterThanOrEqual(1);
    const at = provenSize(first);
    await rooms.splice(0)[0]?.stop();
    await world.sql.query('UPDATE audit_anchor SET imported = true');
    await anvil.mine(2);
    await anvil.rpc('anvil_reorg', 4, []);
    const room = await openRoom([evm()]);
    const reason = expect.stringContaining(`the imported anchor of size ${at}`);
    await expect
      .poll(() => room.anchoring.status()[0]?.alarms)
      .toContainEqual(expect.objectContaining({ code: 'REORG', reason }));
    await expect.poll(() => provenSize(room)).toBeGreaterThan(at);
  });

  it('is not anchored over a fork: a log that lost what it anchored says so', async () => {
    const room = await openRoom([evm()]);
    await record(room, 10);
    await expect.poll(() => provenSize(room)).toBeGreaterThanOrEqual(11);
    await rooms.splice(0)[0]?.stop();
    // The same key and origin, and a log that begins anew.
    tiles = await world.fresh();
    await world.sql.query('TRUNCATE audit_anchor');
    const other = await openRoom([evm()]);
    await expect
      .poll(() => other.anchoring.status()[0])
      .toMatchObject({
        fault: { code: 'CONFLICT', reason: expect.stringContaining('holds size') },
        alarms: expect.arrayContaining([expect.objectContaining({ code: 'FORK' })]),
      });
    expect(provenSize(other)).toBe(0);
  });

  it('gives up an anchor that a larger one of its own overtook, and goes on from there', async () => {
    const first = await openRoom([evm({ everySeconds: 3600 })]);
    await expect.poll(() => provenSize(first)).toBe(1);
    await record(first, 4);
    await expect.poll(() => sized(first)).toBe(5);
    await rooms.splice(0)[0]?.stop();
    // What a restored backup looks like: the database knows of an older one only.
    await world.sql.query('TRUNCATE audit_anchor');
    const place = `evm eip155:${anvil.chainId} ${contract} ${anchorer()}`;
    await createAnchorStore(world.sql, createTestLog()).begin(place, { size: 3, root: '11'.repeat(32) }, 0);
    const wallet = createWallet(createSecret(seed));
    const root = encodeHex(first.checkpoint().root);
    const data = anchorCall(`0x${encodeHex(originHashOf(ORIGIN))}`, 5, root);
    const nonce = Number(await anvil.rpc('eth_getTransactionCount', anchorer(), 'latest'));
    const terms = { nonce, gas: 100_000n, fees: { max: 50n * GWEI }, chainId: anvil.chainId };
    await anvil.rpc('eth_sendRawTransaction', (await wallet.sign({ to: contract as Hex, data }, terms)).raw);
    const room = await openRoom([evm()]);
    await expect.poll(() => lines.join('\n')).toContain('an anchor is given up');
    await expect.poll(() => provenSize(room)).toBeGreaterThan(5);
  });

  it('says in status and metrics that it cannot see who else anchors it, and is anchored all the same', async () => {
    liar.lies.set('eth_getLogs', () => {
      throw new Refusal('query returned more than 10000 results');
    });
    const metrics = createMetrics();
    const room = await openRoom([evm()], { metrics });
    await expect.poll(() => provenSize(room)).toBeGreaterThanOrEqual(1);
    await expect
      .poll(() => room.anchoring.status()[0])
      .toMatchObject({
        fault: undefined,
        blind: { code: 'UPSTREAM_FAILED', reason: expect.stringContaining('who else anchors') },
      });
    const text = await metrics.text();
    expect(text).toMatch(/talos_audit_anchor_failing\{[^}]*\} 0/);
    expect(text).toMatch(/talos_audit_anchor_blind\{[^}]*\} 1/);
    expect(text).toMatch(/talos_audit_anchor_unseen_blocks\{[^}]*\} [1-9]/);
    expect(lines.join('\n')).toContain('who else anchors the log cannot be seen now');
    const listener = await openTestListener({ routes: createAnchorRoutes(room.anchoring) });
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const answer = await (await fetch(`${listener.url}/talos/v1/anchors`, { headers })).json();
    await listener.closeGracefully(1_000);
    expect(createChecker(AnchorList)(answer)).toBeUndefined();
    expect(answer).toMatchObject({
      anchors: [{ fault: { code: 'UPSTREAM_FAILED', reason: expect.stringContaining('10000 results') } }],
    });
  });

  it('is anchored nowhere unless talos.yaml names a place', async () => {
    const room = await openRoom([]);
    expect(room.anchoring.status()).toEqual([]);
    await expect(room.anchoring.evidence({ size: 1, kind: undefined })).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
    expect(await room.anchoring.proofs(1, 10)).toEqual([]);
  });

  it('is anchored by OpenTimestamps behind the same interface, many heads at a time', async () => {
    const room = await openRoom([ots()]);
    await expect.poll(() => room.anchoring.status()[0]?.open).toBe(1);
    await record(room, 2);
    await expect.poll(() => room.anchoring.status()[0]?.open).toBe(2);
    await expect.poll(() => mined(room)).toBeGreaterThanOrEqual(2);
    await record(room, 2);
    const evidence = await evidenceOf(room, undefined, 'opentimestamps');
    const blocks = calendar.blocks.map(({ height, header }) => ({
      chain: 'bitcoin' as const,
      number: height,
      header: encodeHex(header),
    }));
    const { anchor } = verifyAnchorEvidence(evidence, await trustWith(room, blocks), crypto);
    expect(anchor).toMatchObject({ chain: 'bitcoin', number: expect.any(Number), size: provenSize(room) });
    expect(blocks.map(({ number }) => number)).toContain(anchor.number);
    // Nobody looked at the block: it is evidence to hand on, and nothing that lets bodies go or closes the gap.
    expect(room.anchoring.status()[0]?.lag.entries).toBe(sized(room));
    expect(await room.anchoring.confirmedSize()).toBe(0);
  });

  it('counts an OpenTimestamps anchor once an explorer showed its block', async () => {
    const explorer = await startLocalExplorer(() => calendar.blocks);
    const room = await openRoom([{ ...ots(), explorer: explorer.url } as AnchorSettings]);
    await expect.poll(() => room.anchoring.status()[0]?.open).toBe(1);
    await expect.poll(() => mined(room), { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
    expect(room.anchoring.status()[0]?.lag.entries).toBe(sized(room) - provenSize(room));
    expect(await room.anchoring.confirmedSize()).toBe(provenSize(room));
    await explorer.close();
  });

  it('is anchored by one calendar while another answers what no proof can hold, and is exported with that', async () => {
    const hostile = await startLocalCalendar(910_000);
    hostile.hostility = (bytes) => ({ body: padded(padded(bytes, 4_400), 4_400) });
    try {
      const room = await openRoom([
        { kind: 'opentimestamps', calendars: [hostile.url, calendar.url], everySeconds: 3600 },
      ]);
      const both = (): number => {
        if (hostile.waiting() > 0) hostile.mine();
        return mined(room);
      };
      await expect.poll(both).toBe(1);
      let text = '';
      for await (const part of await room.bundle({})) text += part;
      expect(text).toContain('"kind":"opentimestamps"');
    } finally {
      await hostile.close();
    }
  });

  it('begins new anchors, and proves them, while one that is open fails again and again', async () => {
    const root = '11'.repeat(32);
    const store = createAnchorStore(world.sql, createTestLog());
    const begun = await store.begin('opentimestamps', { size: 1, root }, 0);
    await store.keep('opentimestamps', begun, 'no state of ours');
    const room = await openRoom([{ ...ots(), everySeconds: 3600 } as AnchorSettings]);
    await record(room, 2);
    await expect.poll(() => mined(room)).toBeGreaterThan(1);
    expect(room.anchoring.status()[0]).toMatchObject({ open: 1, fault: { code: 'INTERNAL' } });
  });

  it('never puts the key or the address of the endpoint into a log line', async () => {
    const room = await openRoom([evm({ rpc: `${liar.url}/v3/secret-of-the-endpoint` })]);
    await expect.poll(() => provenSize(room)).toBeGreaterThanOrEqual(1);
    liar.lies.set('eth_chainId', () => {
      throw new Refusal('no');
    });
    await record(room, 1);
    await expect.poll(() => room.anchoring.status()[0]?.fault?.code).toBe('UPSTREAM_FAILED');
    const said = lines.join('\n') + JSON.stringify(room.anchoring.status());
    expect(said).toContain('is anchored');
    expect(said).not.toContain(encodeHex(seed));
    expect(said).not.toContain('secret-of-the-endpoint');
  });
});
