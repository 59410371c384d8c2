import type { OpenTimestampsProof, TrustedBlock } from '@talosprotocol/contracts';
import {
  bitcoinHash,
  decodeBase64url,
  decodeHex,
  encodeBase64url,
  encodeHex,
  encodeOtsFile,
  otsDigest,
  parseOtsFile,
  readChainTrust,
  SHA256_OP,
  verifyAnchor,
} from '@talosprotocol/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, clock, random } from '../../../platform/system.js';
import { createTestLog } from '../../../platform/testing/test-log.js';
import type { Anchorer, AnchorProgress, OpenAnchor } from '../anchorer.js';
import { createHttpExchange } from '../http-exchange.js';
import { createBlockExplorer } from './block-explorer.js';
import { blocksIn, createCalendar, promisesIn } from './calendar.js';
import { createOtsAnchorer } from './ots-anchorer.js';
import {
  attested,
  deepPromise,
  type LocalBlock,
  type LocalCalendar,
  madeUpHeader,
  padded,
  startLocalCalendar,
  startLocalExplorer,
} from './testing/local-calendar.js';

const ORIGIN = 'talos.test/log/default';
const rootOf = (size: number): string => size.toString(16).padStart(64, 'a');
const exchange = createHttpExchange('the calendar', new AbortController().signal, 5_000);

let calendars: LocalCalendar[];
const closing: { close(): Promise<void> }[] = [];
const lines: string[] = [];

beforeEach(async () => {
  calendars = [await startLocalCalendar(), await startLocalCalendar(910_000)];
  closing.push(...calendars);
  lines.length = 0;
});
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

interface Options {
  readonly explorer?: string;
  readonly clock?: Clock;
  readonly only?: number;
  readonly tipMs?: number;
}

const anchorer = ({ explorer, clock: time = clock, only = 2, tipMs = 0 }: Options = {}): Anchorer =>
  createOtsAnchorer(
    { everyMs: 0, pollMs: 10 },
    {
      calendars: calendars.slice(0, only).map(({ url }) => createCalendar(url, exchange)),
      explorer:
        explorer === undefined ? undefined : createBlockExplorer(explorer, exchange, { clock: time, tipMs }),
      anchored: { origin: ORIGIN, size: () => 100, rootAt: async (size) => rootOf(size) },
      clock: time,
      random,
      log: createTestLog(lines),
    },
  );

function openAnchor(size = 7): OpenAnchor & { state: string | undefined } {
  const anchor = {
    size,
    root: rootOf(size),
    begunMs: clock.now(),
    state: undefined as string | undefined,
    keep: async (state: string) => {
      anchor.state = state;
    },
  };
  return anchor;
}

function proofOf(progress: AnchorProgress): OpenTimestampsProof {
  if (progress.kind !== 'proven' || progress.proof.kind !== 'opentimestamps')
    throw new Error(`it is ${progress.kind}`);
  return progress.proof;
}

const byHeader = ({ height, header }: LocalBlock): TrustedBlock => ({
  chain: 'bitcoin',
  number: height,
  header: encodeHex(header),
});
const byHash = ({ height, hash }: LocalBlock): TrustedBlock => ({ chain: 'bitcoin', number: height, hash });
const verify = (proof: OpenTimestampsProof, ...blocks: TrustedBlock[]) =>
  verifyAnchor(proof, readChainTrust(blocks));
const explorerOf = async (depth?: number): Promise<string> => {
  const explorer = await startLocalExplorer(() => calendars.flatMap(({ blocks }) => blocks), depth);
  closing.push(explorer);
  return explorer.url;
};

describe('anchoring by OpenTimestamps (AUD-43)', () => {
  it('hands the head to every calendar, waits for a block, and proves it so that the proof holds offline', async () => {
    const [first, second] = calendars as [LocalCalendar, LocalCalendar];
    const anchor = openAnchor();
    const by = anchorer();
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    // Others use the calendars as well.
    for (const calendar of calendars)
      for (let i = 0; i < 6; i++) await createCalendar(calendar.url, exchange).submit(random(32));
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    const blocks = [first.mine(), second.mine()];
    const proof = proofOf(await by.follow(anchor));
    for (const block of blocks)
      expect(verify(proof, byHeader(block))).toMatchObject({ size: 7, number: block.height });
    expect(() => verify(proof, byHeader({ ...first.mine(), height: 900_000 }))).toThrow('does not have');
  });

  it('does not tell the calendars what it is', async () => {
    const by = anchorer();
    const [anchor, again] = [openAnchor(), openAnchor()];
    await by.follow(anchor);
    await by.follow(again);
    const [first, second] = calendars[0]?.received ?? [];
    expect(first).toHaveLength(32);
    expect(first).not.toEqual(second);
    const proof = JSON.stringify(anchor.state);
    expect(proof).not.toContain(first?.toString('hex'));
  });

  it('goes on where a process that was killed was: nothing is handed in twice', async () => {
    const anchor = openAnchor();
    await anchorer().follow(anchor);
    await anchorer().follow(anchor);
    expect(calendars.map(({ received }) => received.length)).toEqual([1, 1]);
    for (const calendar of calendars) calendar.mine();
    expect(await anchorer().follow(anchor)).toMatchObject({ kind: 'proven' });
  });

  it('is an ordinary .ots file, of the text of the checkpoint', async () => {
    const by = anchorer({ only: 1 });
    const anchor = openAnchor();
    await by.follow(anchor);
    const block = calendars[0]?.mine() as LocalBlock;
    const { timestamp } = parseOtsFile(decodeBase64url(proofOf(await by.follow(anchor)).ots));
    expect(blocksIn(timestamp)).toEqual([{ height: block.height, message: block.header.slice(36, 68) }]);
    expect(promisesIn(timestamp)).toEqual([]);
  });

  it('waits for a calendar that has not kept its promise, and not longer than a day', async () => {
    const anchor = openAnchor();
    let now = clock.now();
    const by = anchorer({ clock: { ...clock, now: () => now } });
    await by.follow(anchor);
    const block = calendars[1]?.mine() as LocalBlock;
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    now += 86_400_001;
    expect(verify(proofOf(await by.follow(anchor)), byHeader(block)).number).toBe(block.height);
  });

  it('goes on without a calendar that is not there', async () => {
    await calendars[1]?.close();
    const anchor = openAnchor();
    const by = anchorer({ explorer: await explorerOf() });
    await by.follow(anchor);
    calendars[0]?.mine();
    expect(await by.follow(anchor)).toMatchObject({ kind: 'proven' });
  });

  it('says so if there is none, and hands in later', async () => {
    for (const calendar of calendars) calendar.hostility = () => ({ status: 500 });
    const anchor = openAnchor();
    await expect(anchorer().follow(anchor)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
    for (const calendar of calendars) calendar.hostility = undefined;
    expect(await anchorer().follow(anchor)).toEqual({ kind: 'waiting' });
  });
});

describe('with an explorer of Bitcoin blocks (AUD-43)', () => {
  it('carries the header, so that the hash of the block is enough to verify', async () => {
    const by = anchorer({ explorer: await explorerOf() });
    const anchor = openAnchor();
    await by.follow(anchor);
    const block = calendars[0]?.mine() as LocalBlock;
    const proof = proofOf(await by.follow(anchor));
    expect(verify(proof, byHash(block))).toMatchObject({ number: block.height, size: 7 });
  });

  it('waits until the block has others on it', async () => {
    const by = anchorer({ explorer: await explorerOf(4) });
    const anchor = openAnchor();
    await by.follow(anchor);
    calendars[0]?.mine();
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
  });

  it('finds a calendar out that names a block which does not have it, and takes the honest one', async () => {
    const [liar, honest] = calendars as [LocalCalendar, LocalCalendar];
    const by = anchorer({ explorer: await explorerOf() });
    const anchor = openAnchor();
    await by.follow(anchor);
    liar.mine();
    // The right form, of a block that exists, and another path.
    liar.hostility = (bytes, { path }) =>
      path.startsWith('/timestamp')
        ? { body: Buffer.concat([Buffer.from('08', 'hex'), bytes]) }
        : { body: bytes };
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    expect(lines.join()).toContain('does not have what was handed in');
    const block = honest.mine();
    expect(verify(proofOf(await by.follow(anchor)), byHash(block)).number).toBe(block.height);
    expect(liar.received).toHaveLength(1);
  });

  it('asks for the height of the chain once a turn, however many anchors and blocks there are', async () => {
    const explorer = await startLocalExplorer(() => calendars.flatMap(({ blocks }) => blocks));
    closing.push(explorer);
    const by = anchorer({ explorer: explorer.url, tipMs: 60_000 });
    const anchors = [openAnchor(5), openAnchor(6), openAnchor(7)];
    for (const anchor of anchors) await by.follow(anchor);
    for (const calendar of calendars) calendar.mine();
    for (const anchor of anchors) expect(await by.follow(anchor)).toMatchObject({ kind: 'proven' });
    expect(explorer.asked.filter((path) => path === '/blocks/tip/height')).toHaveLength(1);
  });

  it('that gives the header of another block is not believed', async () => {
    const [calendar] = calendars as [LocalCalendar];
    const other = madeUpHeader(new Uint8Array(32), 1);
    const explorer = await startLocalExplorer(() =>
      calendar.blocks.map((block) => ({ ...block, header: other })),
    );
    closing.push(explorer);
    const by = anchorer({ explorer: explorer.url });
    const anchor = openAnchor();
    await by.follow(anchor);
    calendar.mine();
    await expect(by.follow(anchor)).rejects.toThrow('the header of another block');
  });

  it('that answers rubbish is not believed', async () => {
    const by = anchorer({ explorer: calendars[1]?.url ?? '', only: 1 });
    const anchor = openAnchor();
    await by.follow(anchor);
    calendars[0]?.mine();
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    (calendars[1] as LocalCalendar).hostility = () => ({ body: 'one' });
    await expect(by.follow(anchor)).rejects.toThrow('no proper answer');
  });
});

describe('a hostile calendar (AUD-43)', () => {
  it.each<[string, () => { status?: number; headers?: Record<string, string>; body?: Uint8Array | string }]>([
    ['garbage', () => ({ body: 'garbage' })],
    ['nothing', () => ({ body: '' })],
    ['more than 10,000 bytes', () => ({ body: new Uint8Array(10_001) })],
    ['operations without end', () => ({ body: new Uint8Array(9_000).fill(8) })],
    ['forks without end', () => ({ body: new Uint8Array(9_000).fill(0xff) })],
    ['a redirect', () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' } })],
    ['a redirect to itself', () => ({ status: 307, headers: { location: '/digest' } })],
    ['a failure', () => ({ status: 503 })],
    ['a promise of nobody', () => ({ body: Buffer.from('0001020304050607080100', 'hex') })],
  ])('that answers %s is refused, and harms nothing', async (_, body) => {
    const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
    hostile.hostility = () => body();
    const by = anchorer({ explorer: await explorerOf() });
    const anchor = openAnchor();
    expect(await by.follow(anchor)).toEqual({ kind: 'waiting' });
    expect(JSON.parse(anchor.state ?? '').of).toEqual({ [honest.url]: expect.any(String) });
    const block = honest.mine();
    expect(verify(proofOf(await by.follow(anchor)), byHash(block)).number).toBe(block.height);
  });

  it('that answers with the timestamp of another digest leads to another block than it says', async () => {
    const [hostile] = calendars as [LocalCalendar];
    const theirs = await createCalendar(hostile.url, exchange).submit(random(32));
    const by = anchorer({ only: 1 });
    const anchor = openAnchor();
    await by.follow(anchor);
    const block = hostile.mine();
    const [promise] = promisesIn(theirs);
    hostile.hostility = () => ({ body: undefined as never });
    const other = await fetchTimestamp(hostile, promise?.message);
    hostile.hostility = (bytes, { path }) =>
      path.startsWith('/timestamp') ? { body: other } : { body: bytes };
    const proof = proofOf(await by.follow(anchor));
    expect(() => verify(proof, byHeader(block))).toThrow('does not have what the timestamp leads to');
  });

  it.each([false, true])(
    'that pads its answers until no proof can hold them is refused, and takes no room from others (explorer: %s)',
    async (isChecked) => {
      const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
      hostile.hostility = (bytes) => ({ body: padded(padded(bytes, 4_400), 4_400) });
      const by = anchorer(isChecked ? { explorer: await explorerOf() } : {});
      const anchor = openAnchor();
      await by.follow(anchor);
      hostile.mine();
      const block = honest.mine();
      const proof = proofOf(await by.follow(anchor));
      expect(verify(proof, byHeader(block)).number).toBe(block.height);
      expect(JSON.parse(anchor.state ?? '').refused).toEqual([hostile.url]);
      expect(lines.join()).toContain('more than a proof can hold');
    },
  );

  it('that promises deeper and deeper is refused before nobody can read what is kept', async () => {
    const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
    hostile.hostility = () => ({ body: deepPromise(200, hostile.url) });
    const by = anchorer({ explorer: await explorerOf() });
    const anchor = openAnchor();
    await by.follow(anchor);
    const block = honest.mine();
    const proof = proofOf(await by.follow(anchor));
    expect(verify(proof, byHash(block)).number).toBe(block.height);
    expect(JSON.parse(anchor.state ?? '').refused).toEqual([hostile.url]);
  });

  it('of which something is kept that cannot be read, or be proven, is refused, and the other goes on', async () => {
    const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
    for (const kept of [deepPromise(300, hostile.url), deepPromise(256, hostile.url)]) {
      const anchor = openAnchor();
      await anchorer().follow(anchor);
      const state = JSON.parse(anchor.state ?? '');
      state.of[hostile.url] = Buffer.from(kept).toString('base64url');
      anchor.state = JSON.stringify(state);
      const block = honest.mine();
      const proof = proofOf(await anchorer().follow(anchor));
      expect(verify(proof, byHeader(block)).number).toBe(block.height);
    }
  });

  it('that makes more than eight promises, or names more than eight blocks, is not asked about them', async () => {
    const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
    const explorer = await startLocalExplorer(() => honest.blocks);
    closing.push(explorer);
    const nine = Array.from({ length: 9 }, (_, index) => index);
    const paths: string[] = [];
    for (const answer of [
      attested(nine.map(() => ({ kind: 'pending', calendar: hostile.url }) as const)),
      attested(nine.map((height) => ({ kind: 'bitcoin', height }) as const)),
    ]) {
      paths.length = 0;
      hostile.hostility = (_, { path }) => {
        paths.push(path);
        return { body: answer };
      };
      const by = anchorer({ explorer: explorer.url });
      const anchor = openAnchor();
      await by.follow(anchor);
      await by.follow(anchor);
      expect(paths).toEqual(['/digest', '/digest']);
      expect(explorer.asked).toEqual([]);
      expect(Object.keys(JSON.parse(anchor.state ?? '').of)).toEqual([honest.url]);
    }
  });

  it('that makes promises out of each promise costs eight requests, and is refused', async () => {
    const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
    const eight = Array.from({ length: 8 }, () => ({ kind: 'pending', calendar: hostile.url }) as const);
    let requests = 0;
    hostile.hostility = () => {
      requests += 1;
      return { body: attested(eight) };
    };
    const anchor = openAnchor();
    for (let turn = 0; turn < 4; turn++) await anchorer().follow(anchor);
    expect(requests).toBe(2);
    expect(JSON.parse(anchor.state ?? '')).toMatchObject({ refused: [hostile.url] });
    expect(Object.keys(JSON.parse(anchor.state ?? '').of)).toEqual([honest.url]);
  });

  it('that lies about eight blocks costs the look at one of them', async () => {
    const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
    const explorer = await startLocalExplorer(() => honest.blocks);
    closing.push(explorer);
    const { height } = honest.mine();
    const eight = Array.from({ length: 8 }, () => ({ kind: 'bitcoin', height }) as const);
    hostile.hostility = () => ({ body: attested(eight) });
    await anchorer({ explorer: explorer.url }).follow(openAnchor());
    expect(explorer.asked.filter((path) => path.startsWith('/block-height'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('does not have what was handed in'))).toHaveLength(1);
  });

  it('that answers a little more each time is kept up to 10,000 bytes', async () => {
    const [hostile, honest] = calendars as [LocalCalendar, LocalCalendar];
    const promise = Buffer.from(deepPromise(1, hostile.url));
    hostile.hostility = () => ({ body: padded(promise, 3_000) });
    const anchor = openAnchor();
    const kept: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      await anchorer().follow(anchor);
      const text = JSON.parse(anchor.state ?? '').of[hostile.url];
      kept.push(text === undefined ? 0 : Buffer.from(text, 'base64url').length);
    }
    expect(Math.max(...kept)).toBeGreaterThan(9_000);
    expect(Math.max(...kept)).toBeLessThanOrEqual(10_000);
    expect(kept.at(-1)).toBe(0);
    expect(honest.received).toHaveLength(1);
  });

  it('that pads one answer does not keep the short one of another out of the proof, which is asked after it', async () => {
    const honest = await startLocalCalendar(920_000);
    closing.push(honest);
    for (const one of calendars)
      one.hostility = (bytes, { path }) => ({ body: path === '/digest' ? padded(bytes, 8_192) : bytes });
    calendars.push(honest);
    const by = anchorer({ only: 3 });
    const anchor = openAnchor();
    await by.follow(anchor);
    const block = calendars.map((one) => one.mine()).at(-1) as LocalBlock;
    const proof = proofOf(await by.follow(anchor));
    expect(verify(proof, byHeader(block)).number).toBe(block.height);
  });

  it('that promises in the name of a place nobody named is not followed there', async () => {
    const [pool, honest] = calendars as [LocalCalendar, LocalCalendar];
    pool.alias = 'https://internal.example/admin';
    const anchor = openAnchor();
    await anchorer().follow(anchor);
    expect(Object.keys(JSON.parse(anchor.state ?? '').of)).toEqual([honest.url]);
    expect(lines.join()).toContain('in the name of another calendar');
  });

  it('that is a pool of one that is named is followed there', async () => {
    const [pool, calendar] = calendars as [LocalCalendar, LocalCalendar];
    pool.alias = `${calendar.url}/`;
    pool.hostility = (_, { path }) => (path === '/digest' ? {} : { status: 404 });
    pool.hostility = undefined;
    const anchor = openAnchor();
    await anchorer().follow(anchor);
    expect(Object.keys(JSON.parse(anchor.state ?? '').of).sort()).toEqual([pool.url, calendar.url].sort());
  });
});

/** A proof as an archive brings one, in so many blocks at once. */
function proofIn(heights: readonly number[]): OpenTimestampsProof & { readonly header: string } {
  const claim = { origin: ORIGIN, size: 7, root: rootOf(7) };
  const message = otsDigest(ORIGIN, 7, decodeHex(rootOf(7)));
  const branches = heights.map((height) => ({ attestation: { kind: 'bitcoin' as const, height } }));
  const file = encodeOtsFile({ hash: SHA256_OP.tag, timestamp: { message, branches } });
  const header = encodeBase64url(madeUpHeader(message, 1_790_000_000));
  return { kind: 'opentimestamps', ...claim, ots: encodeBase64url(file), header };
}

// AUD-133
describe('a proof that came with an archive', () => {
  it('is looked up by its blocks, and not at all if it names more than eight (AUD-43)', async () => {
    const eight = Array.from({ length: 8 }, (_, index) => 900_000 + index);
    const proof = proofIn(eight);
    const header = decodeBase64url(proof.header);
    const explorer = await startLocalExplorer(() => [{ height: 900_007, hash: bitcoinHash(header), header }]);
    closing.push(explorer);
    const by = anchorer({ explorer: explorer.url, tipMs: 60_000 });
    expect(await by.knows(proof)).toBe(true);
    const asked = explorer.asked.length;
    expect(asked).toBeGreaterThan(8);
    expect(await by.knows(proofIn([...eight, 900_008]))).toBeUndefined();
    expect(explorer.asked).toHaveLength(asked);
  });
});

/** What the calendar knows of a commitment, honestly. */
async function fetchTimestamp(calendar: LocalCalendar, message: Uint8Array | undefined): Promise<Uint8Array> {
  calendar.hostility = undefined;
  const response = await fetch(`${calendar.url}/timestamp/${encodeHex(message ?? new Uint8Array())}`);
  return new Uint8Array(await response.arrayBuffer());
}
