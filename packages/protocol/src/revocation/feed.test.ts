import {
  FEED_ENTRY_TYP,
  FEED_HEARTBEAT_TYP,
  FEED_SNAPSHOT_TYP,
  type FeedItem,
} from '@talosprotocol/contracts';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import type { JsonObject } from '../encoding/json.js';
import { isTrustError } from '../error.js';
import { didKeyKeys } from '../identity/resolver.js';
import { createSigner } from '../identity/signer.js';
import { createNodeCrypto } from '../node/index.js';
import {
  type FeedHead,
  parseFeedEntry,
  parseFeedHeartbeat,
  parseFeedSnapshot,
  signFeedEntry,
  signFeedHeartbeat,
  signFeedSnapshot,
} from './feed.js';
import { createFeedReader, type FeedReader } from './feed-reader.js';

const crypto = createNodeCrypto();
const platform = createSigner(new Uint8Array(32).fill(1), crypto);
const attacker = createSigner(new Uint8Array(32).fill(2), crypto);
const keys = didKeyKeys(platform.did);
const START = 1_790_000_000_000;
const lidOf = (n: number): string => `${String(n).padStart(42, 'a')}A`;
const itemOf = (n: number): FeedItem => ({ lid: lidOf(n), exp: 1_800_000_000 });

/** Entries 1 to `count` of a history whose items start at `first`. */
function history(count: number, first = 1, signer = platform): { entry: string; head: FeedHead }[] {
  const made: { entry: string; head: FeedHead }[] = [];
  let head: FeedHead = { n: 0, hash: null };
  for (let n = 0; n < count; n++) {
    const entry = signFeedEntry(head, { iat: 1_790_000_000, item: itemOf(first + n) }, signer);
    head = { n: n + 1, hash: crypto.sha256Ascii(entry) };
    made.push({ entry, head });
  }
  return made;
}

let clock: { time: number; now(): number; monotonic(): number };
let applied: FeedItem[];
let reader: FeedReader;
beforeEach(() => {
  applied = [];
  clock = { time: 0, now: () => START + clock.time, monotonic: () => clock.time };
  reader = createFeedReader({ keys: () => keys, crypto, clock, apply: (item) => void applied.push(item) });
});

let beats = 0;
const beatAt = (head: FeedHead, changes: object = {}, signer = platform): string =>
  signFeedHeartbeat(
    { time: START + clock.time, epoch: 1, beat: ++beats, n: head.n, hash: head.hash, ...changes },
    signer,
  );
const EMPTY: FeedHead = { n: 0, hash: null };
const faultOf = (step: () => unknown): string | undefined => {
  try {
    return String(step());
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'UNAVAILABLE') throw error;
    return error.data.caveat;
  }
};

describe('a feed', () => {
  it('REV-6 REV-7 is followed entry by entry, and is fresh while its heart beats', () => {
    const made = history(3);
    expect([reader.isFresh('read'), reader.isFresh('write')]).toEqual([false, false]);
    for (const { entry } of made) reader.takeEntry(entry);
    expect(applied).toEqual([itemOf(1), itemOf(2), itemOf(3)]);
    expect(reader.head()).toEqual(made[2]?.head);
    expect(reader.takeHeartbeat(beatAt(reader.head()))).toBe('heard');
    expect(reader.isFresh('write')).toBe(true);
  });

  it('REV-9 is silent for writes after 5 s and for reads after 60 s, and heard again', () => {
    reader.takeHeartbeat(beatAt(EMPTY));
    clock.time = 5_000;
    expect(reader.isFresh('write')).toBe(true);
    clock.time = 5_001;
    expect([reader.isFresh('write'), reader.isFresh('read')]).toEqual([false, true]);
    clock.time = 60_001;
    expect(reader.isFresh('read')).toBe(false);
    reader.takeHeartbeat(beatAt(EMPTY));
    expect(reader.isFresh('write')).toBe(true);
  });

  it('REV-8 names what is wrong: forged, gap, fork, rollback, replay, late', () => {
    const made = history(5);
    const fork = history(5, 100);
    for (const { entry } of made.slice(0, 3)) reader.takeEntry(entry);
    const [, , , fourth, fifth] = made as [never, never, never, (typeof made)[0], (typeof made)[0]];
    expect(faultOf(() => reader.takeEntry(fifth.entry))).toBe('gap');
    expect(faultOf(() => reader.takeEntry(fork[3]?.entry ?? ''))).toBe('fork');
    expect(faultOf(() => reader.takeEntry(fork[1]?.entry ?? ''))).toBe('fork');
    expect(faultOf(() => reader.takeEntry(history(1, 1, attacker)[0]?.entry ?? ''))).toBe('forged');
    expect(faultOf(() => reader.takeEntry(fourth.entry.slice(0, -2)))).toBe('forged');
    expect(reader.head().n).toBe(3);
    const first = beatAt(reader.head());
    expect(reader.takeHeartbeat(first)).toBe('heard');
    expect(faultOf(() => reader.takeHeartbeat(first))).toBe('replay');
    expect(faultOf(() => reader.takeHeartbeat(beatAt(made[1]?.head ?? EMPTY)))).toBe('rollback');
    expect(faultOf(() => reader.takeHeartbeat(beatAt(fork[2]?.head ?? EMPTY)))).toBe('fork');
    expect(faultOf(() => reader.takeHeartbeat(beatAt(reader.head(), {}, attacker)))).toBe('forged');
    expect(faultOf(() => reader.takeHeartbeat(beatAt(reader.head(), { time: START - 30_001 })))).toBe('late');
    expect(faultOf(() => reader.takeHeartbeat(beatAt(reader.head(), { time: START + 30_001 })))).toBe('late');
    clock.time = 5_001;
    expect(reader.isFresh('write')).toBe(false);
  });

  it('REV-8 a heartbeat for entries that are missing here is not heard until they came', () => {
    const made = history(2);
    const beat = beatAt(made[1]?.head ?? EMPTY);
    expect(reader.takeHeartbeat(beat)).toBe('behind');
    expect(reader.isFresh('read')).toBe(false);
    for (const { entry } of made) reader.takeEntry(entry);
    expect(reader.takeHeartbeat(beat)).toBe('heard');
  });

  it('a heartbeat signed just before an entry came is heard, and an entry twice changes nothing', () => {
    const made = history(2);
    reader.takeEntry(made[0]?.entry ?? '');
    reader.takeHeartbeat(beatAt(made[0]?.head ?? EMPTY));
    const before = beatAt(made[0]?.head ?? EMPTY);
    reader.takeEntry(made[1]?.entry ?? '');
    reader.takeEntry(made[0]?.entry ?? '');
    expect(applied).toHaveLength(2);
    expect(reader.takeHeartbeat(before)).toBe('heard');
    expect(faultOf(() => reader.takeHeartbeat(beatAt(made[0]?.head ?? EMPTY)))).toBe('rollback');
  });

  it('REV-9 a heartbeat that was held up counts from when it was sent', () => {
    reader.takeHeartbeat(beatAt(EMPTY));
    const held = beatAt(EMPTY);
    clock.time = 4_000;
    reader.takeHeartbeat(held);
    clock.time = 5_001;
    expect(reader.isFresh('write')).toBe(false);
    reader.takeHeartbeat(beatAt(EMPTY), 1_000);
    expect(reader.isFresh('write')).toBe(true);
  });

  it('REV-9 is heard on after the clock of this machine was set, and after one with another clock leads', () => {
    let set = 0;
    const stepped = createFeedReader({
      keys: () => keys,
      crypto,
      clock: { now: () => clock.now() + set, monotonic: clock.monotonic },
      apply: () => undefined,
    });
    const listen = (skew: number, epoch: number): boolean => {
      for (let n = 0; n < 20; n++) {
        clock.time += 1_000;
        stepped.takeHeartbeat(beatAt(EMPTY, { epoch, time: clock.now() + skew }));
      }
      return stepped.isFresh('write');
    };
    expect(listen(0, 1)).toBe(true);
    set = 8_000;
    expect(listen(0, 1)).toBe(true);
    set = -8_000;
    expect(listen(0, 1)).toBe(true);
    set = 0;
    expect(listen(9_000, 2)).toBe(true);
    expect(listen(-9_000, 3)).toBe(true);
  });

  it('REV-7 another leader goes on with a higher epoch; the one before is replay', () => {
    reader.takeHeartbeat(beatAt(EMPTY, { beat: 900 }));
    expect(reader.takeHeartbeat(beatAt(EMPTY, { epoch: 2, beat: 1 }))).toBe('heard');
    expect(faultOf(() => reader.takeHeartbeat(beatAt(EMPTY, { beat: 901 })))).toBe('replay');
  });

  it('begins where a snapshot ends, and forgets hashes of long ago', () => {
    const made = history(1_030);
    reader.start(made[4]?.head ?? EMPTY);
    for (const { entry } of made.slice(5)) reader.takeEntry(entry);
    expect(reader.head().n).toBe(1_030);
    reader.takeEntry(history(1, 500)[0]?.entry ?? '');
    expect(applied).toHaveLength(1_025);
  });

  it('lets a bug of its own through as it is', () => {
    const broken = createFeedReader({
      keys: () => {
        throw new RangeError('bug');
      },
      crypto,
      clock,
      apply: () => undefined,
    });
    expect(() => broken.takeEntry('x')).toThrow(RangeError);
  });

  it('answers mutated messages with a named fault, and changes nothing', () => {
    const good = history(1)[0]?.entry ?? '';
    const edit = fc.record({ at: fc.nat(good.length), cut: fc.nat(3), put: fc.string({ maxLength: 3 }) });
    fc.assert(
      fc.property(edit, ({ at, cut, put }) => {
        const mutated = good.slice(0, at) + put + good.slice(at + cut);
        fc.pre(mutated !== good);
        expect(faultOf(() => reader.takeEntry(mutated))).toBe('forged');
        expect(faultOf(() => reader.takeHeartbeat(mutated))).toBe('forged');
      }),
      { numRuns: 200, interruptAfterTimeLimit: 2_000 },
    );
    expect(reader.head()).toEqual(EMPTY);
  });
});

describe('messages of a feed', () => {
  const refused = (parse: () => unknown): string => {
    try {
      parse();
    } catch (error) {
      if (isTrustError(error)) return error.code;
    }
    return 'accepted';
  };
  const signed = (typ: string, claims: object): string =>
    signJws({ typ, claims: { iss: platform.did, ...claims } as JsonObject }, platform);

  it('REV-6 an entry is closed, and exactly the first names none before it', () => {
    const entry = { iat: 1, n: 1, prev: null, item: itemOf(1) };
    const parse = (claims: object) =>
      refused(() => parseFeedEntry(signed(FEED_ENTRY_TYP, claims), keys, crypto));
    expect(parse(entry)).toBe('accepted');
    expect(parse({ ...entry, prev: lidOf(1) })).toBe('MALFORMED');
    expect(parse({ ...entry, n: 2 })).toBe('MALFORMED');
    expect(parse({ ...entry, x: 1 })).toBe('MALFORMED');
    expect(parse({ ...entry, item: { ...itemOf(1), rule: {} } })).toBe('MALFORMED');
    expect(parse({ ...entry, iss: attacker.did })).toBe('SIGNATURE_INVALID');
  });

  it('REV-7 a heartbeat names an entry unless there is none', () => {
    const beat = { time: 1, epoch: 1, beat: 1, n: 0, hash: null };
    const parse = (claims: object) =>
      refused(() => parseFeedHeartbeat(signed(FEED_HEARTBEAT_TYP, claims), keys, crypto));
    expect(parse(beat)).toBe('accepted');
    expect(parse({ ...beat, n: 1 })).toBe('MALFORMED');
    expect(parse({ ...beat, hash: lidOf(1) })).toBe('MALFORMED');
  });

  it('REV-11 a snapshot is signed for its items, in their order', () => {
    const items = [itemOf(1), { rule: { below: platform.did, as: 'issuer', point: null } } as const];
    const head = { n: 2, hash: lidOf(2) };
    const statement = signFeedSnapshot({ time: START, head, items }, platform, crypto);
    expect(parseFeedSnapshot({ statement, items }, keys, crypto)).toMatchObject({ ...head, time: START });
    const parse = (changed: readonly FeedItem[], text = statement) =>
      refused(() => parseFeedSnapshot({ statement: text, items: changed }, keys, crypto));
    expect(parse(items.slice(1))).toBe('SIGNATURE_INVALID');
    expect(parse([...items].reverse())).toBe('SIGNATURE_INVALID');
    expect(parse([], signed(FEED_SNAPSHOT_TYP, { time: 1, n: 1, hash: null, items: lidOf(1) }))).toBe(
      'MALFORMED',
    );
  });
});
