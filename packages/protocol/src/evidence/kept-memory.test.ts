import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { decodeUtf8, encodeUtf8 } from '../encoding/utf8.js';
import { createEventExaminer } from '../examination/examine-events.js';
import { eventBytes } from './event.js';
import { createEventWalk, walkFrom } from './event-walk.js';
import { createPlaces } from './places.js';
import { createRecent } from './recent.js';
import { type Draft, ORIGIN, sequence } from './testing/ledger.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that a reader holds once it has read; it is given back so that it is held until then. */
function heldBy(read: () => object): number {
  // What the program itself needs the first time is not held by a reader.
  read();
  collect();
  const before = process.memoryUsage().heapUsed;
  const reader = read();
  collect();
  const held = process.memoryUsage().heapUsed - before;
  expect(reader).toBeDefined();
  return held;
}

const ENTRIES = 1_000;
const LARGE = 16_000;
const jws = `${'A'.repeat(8_000)}.${'A'.repeat(LARGE - 8_100)}.${'A'.repeat(86)}`;
/** Of an agent, a session and a chain of its own, each. */
const opening = (i: number): Draft => ({
  type: 'session.opened',
  sub: `did:web:agent-${i}.example`,
  members: {
    sid: `ses_${String(i).padStart(37, 'a')}A`,
    cth: `${String(i).padStart(42, 'a')}A`,
    exp: '2026-09-21T14:30:00.000Z',
    proof: jws,
  },
});
const ending = (i: number): Draft => ({
  type: 'revocation',
  sub: null,
  members: {
    lid: `${String(i).padStart(42, 'b')}A`,
    by: 'issuer',
    revocation: jws,
    chain_hash: `${'c'.repeat(42)}A`,
  },
});
const entries = sequence(
  Array.from({ length: ENTRIES }, (_, i) => (i % 2 === 0 ? opening(i) : ending(i))),
).map(({ event }) => eventBytes(event));

const FEW = (ENTRIES * LARGE) / 8;

// AUD-79, AUD-97
describe('whoever reads all of a log', () => {
  it('keeps of its entries the names that it remembers, and not the entries: a monitor', () => {
    const read = () => {
      const walk = createEventWalk({ origin: ORIGIN, crypto }, walkFrom(1));
      for (const bytes of entries.slice(1)) walk.follow(bytes);
      expect(walk.state().subjects).toHaveLength(ENTRIES / 2 - 1);
      return walk;
    };
    expect(heldBy(read)).toBeLessThan(FEW);
  });

  it('keeps of its entries the names that it remembers, and not the entries: an examination', () => {
    const read = () => {
      const examiner = createEventExaminer({ crypto, origin: ORIGIN, onFault: () => undefined });
      for (const [index, bytes] of entries.entries()) examiner.follow(index, bytes);
      expect(examiner.subjects.size).toBe(ENTRIES / 2);
      return examiner;
    };
    expect(heldBy(read)).toBeLessThan(FEW);
  });

  it('keeps no chain or call by the text that it was read in', () => {
    const textOf = (i: number): string => decodeUtf8(encodeUtf8(`${jws}${String(i).padStart(43, 'd')}`));
    const recent = () => {
      const values = createRecent<number>([], ENTRIES);
      for (let i = 0; i < ENTRIES; i += 1) values.put(textOf(i).slice(-43), i);
      return values;
    };
    const places = () => {
      const all = createPlaces(ENTRIES, []);
      for (let i = 0; i < ENTRIES; i += 1) all.put(i, textOf(i).slice(-43));
      return all;
    };
    expect(heldBy(recent)).toBeLessThan(FEW);
    expect(heldBy(places)).toBeLessThan(FEW);
  });
});
