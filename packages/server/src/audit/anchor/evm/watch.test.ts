import { TrustError } from '@talosprotocol/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { createTestLog } from '../../../platform/testing/test-log.js';
import type { AnchoredEvents } from './anchored-events.js';
import { createForeignWatch, type ForeignWatch } from './watch.js';

const ORIGIN = 'talos.test/log';
const OWN = `0x${'00'.repeat(20)}`;

/** Blocks of a chain: who anchored in them. */
let chain: Map<number, readonly string[]>;
/** What was asked: the first and the last block. */
let asked: [number, number][];
/** Refuses such a question. */
let refuses: (from: number, to: number) => TrustError | undefined;
let probed: () => void;
let kept: string | undefined;
const lines: string[] = [];

const other = (number: number): string => `0x${number.toString(16).padStart(40, '1')}`;
const refused = new TrustError('UPSTREAM_FAILED', 'more than 10000 results');
const away = new TrustError('UNAVAILABLE', 'cannot be reached');

const events: AnchoredEvents = {
  read: async (from, to) => {
    asked.push([from, to]);
    const fault = refuses(from, to);
    if (fault !== undefined) throw fault;
    return [...chain]
      .filter(([block]) => block >= from && block <= to)
      .flatMap(([block, anchorers]) => anchorers.map((anchorer) => ({ anchorer, size: BigInt(block) })));
  },
  probe: async () => probed(),
};

/** A process with what is kept. */
const start = (): ForeignWatch =>
  createForeignWatch({
    events,
    name: 'evm eip155:1 0x1 0x2',
    place: { anchorer: OWN as `0x${string}`, origin: ORIGIN },
    store: {
      watched: async () => kept,
      noteWatched: async (_, state) => {
        kept = state;
      },
    },
    log: createTestLog(lines),
  });

beforeEach(() => {
  chain = new Map();
  asked = [];
  refuses = () => undefined;
  probed = () => undefined;
  kept = undefined;
  lines.length = 0;
});

// AUD-42
describe('the watch for others who anchor the same log', () => {
  it('begins 1,000 blocks back, asks for each block once, and names nobody twice', async () => {
    chain.set(4_500, [OWN, other(1), other(1)]);
    const watch = start();
    const found = await watch.look(5_000);
    expect(found.alarms).toEqual([
      { code: 'FOREIGN', reason: `${other(1)} anchors ${ORIGIN} too, at size 4500` },
    ]);
    chain.set(5_002, [other(1)]);
    expect(await watch.look(5_003)).toEqual({ alarms: [], blind: undefined, unseen: 0 });
    expect(asked).toEqual([
      [4_001, 5_000],
      [5_001, 5_003],
    ]);
  });

  it('catches up in bounded steps with what came while it was down, and tells again what it told', async () => {
    chain.set(900, [other(1)]);
    await start().look(1_000);
    chain.set(1_500, [other(2)]);
    chain.set(30_000, [other(3)]);
    const watch = start();
    const first = await watch.look(30_000);
    expect(first.alarms.map(({ reason }) => reason.slice(0, 42))).toEqual([other(1), other(2)]);
    expect([first.blind, first.unseen, asked.length]).toEqual([undefined, 13_000, 17]);
    const second = await watch.look(30_000);
    expect(second.alarms.map(({ reason }) => reason.slice(0, 42))).toEqual([other(3)]);
    expect(second.unseen).toBe(0);
  });

  it('asks for fewer blocks until it is answered, and for more again', async () => {
    for (let block = 1; block <= 900; block += 1) chain.set(block, [other(block % 3)]);
    refuses = (from, to) => (to - from >= 100 && from < 800 ? refused : undefined);
    const watch = start();
    const { alarms, blind } = await watch.look(999);
    expect([alarms.length, blind]).toEqual([3, undefined]);
    for (let look = 0; look < 3; look += 1) await watch.look(999);
    expect((await watch.look(999)).unseen).toBe(0);
    expect(asked.length).toBeLessThan(40);
  });

  it('passes over one block that cannot be read, says which, and sees what is behind it', async () => {
    chain.set(51, [other(1)]);
    refuses = (from, to) => (from <= 50 && to >= 50 ? refused : undefined);
    const watch = start();
    const seen = [await watch.look(60), await watch.look(60), await watch.look(60)];
    expect(seen.map(({ blind, unseen }) => [blind, unseen])).toEqual([
      [refused, 11],
      [refused, 11],
      [undefined, 0],
    ]);
    expect(seen[2]?.alarms.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('could not be read in block 50'),
      expect.stringContaining(other(1)),
    ]);
    expect(lines.join()).toContain('block 50');
    // Others are logged: whoever fills blocks could go on for ever.
    refuses = (from, to) => (from <= 70 && to >= 70 ? refused : undefined);
    for (let look = 0; look < 3; look += 1) expect((await watch.look(80)).alarms).toEqual([]);
    expect(lines.join()).toContain('block 70');
  });

  it('passes over nothing while the endpoint answers nothing', async () => {
    const watch = start();
    await watch.look(10);
    const before = asked.length;
    refuses = () => away;
    probed = () => {
      throw away;
    };
    for (let look = 0; look < 20; look += 1)
      expect(await watch.look(11)).toMatchObject({ blind: away, unseen: 1 });
    expect(asked.length - before).toBe(20);
    // A question that fails while the endpoint comes back is asked once more before the block is given up.
    let failures = 1;
    refuses = () => (failures-- > 0 ? away : undefined);
    probed = () => undefined;
    chain.set(11, [other(1)]);
    expect(await watch.look(11)).toMatchObject({ blind: away, unseen: 1 });
    expect((await watch.look(11)).alarms).toHaveLength(1);
  });

  it('names eight, and says once that there are more', async () => {
    chain.set(
      5,
      Array.from({ length: 8 }, (_, number) => other(number)),
    );
    const watch = start();
    expect((await watch.look(5)).alarms).toHaveLength(8);
    chain.set(6, [other(9), other(10)]);
    const { alarms } = await watch.look(6);
    expect(alarms).toEqual([
      { code: 'FOREIGN', reason: expect.stringContaining('more than 8 others anchor') },
    ]);
    chain.set(7, [other(11)]);
    expect((await watch.look(7)).alarms).toEqual([]);
    expect((await start().look(7)).alarms).toHaveLength(9);
  });

  it('tells what it saw before it failed', async () => {
    chain.set(10, [other(1)]);
    chain.set(1_500, [other(2)]);
    kept = JSON.stringify({ seen: 0, others: [], said: [] });
    refuses = (_, to) => (to > 1_000 ? away : undefined);
    const { alarms, blind } = await start().look(2_000);
    expect(alarms.map(({ reason }) => reason.slice(0, 42))).toEqual([other(1)]);
    expect(blind).toBe(away);
  });

  it('is blind with an endpoint that is far behind what was looked at', async () => {
    const watch = start();
    await watch.look(5_000);
    expect((await watch.look(4_500)).blind).toBeUndefined();
    expect((await watch.look(0)).blind).toMatchObject({
      code: 'UPSTREAM_FAILED',
      data: { reason: expect.stringContaining('5000 blocks fewer') },
    });
  });
});
