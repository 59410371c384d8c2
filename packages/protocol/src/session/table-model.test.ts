import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { createNodeCrypto } from '../node/crypto.js';
import { formatTalosAuthorization } from './authorization.js';
import type { AuthenticatedRequest } from './mac.js';
import { sessionMac } from './mac.js';
import { sessionRefusal } from './session-code.js';
import { createSessionTable, type SessionTable } from './table.js';
import type { WindowWidth } from './window.js';

const crypto = createNodeCrypto();
const GATEWAY = 'did:web:gateway.example';
const START = 1_700_000_000;
const rid = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const request: AuthenticatedRequest = { method: 'POST', target: '/', headers: {}, bodyHash: 'a'.repeat(64) };
const BOUNDS = { capacity: 12, perSubject: 3, perRoot: 5 };

/** What a session is in the model: an object that forgets nothing. */
interface Entry {
  readonly sid: string;
  readonly handle: number;
  readonly subject: string;
  readonly lids: readonly string[];
  readonly exp: number;
  readonly window: WindowWidth;
  readonly key: Uint8Array;
  readonly used: Set<number>;
  highest: number;
  ended: boolean;
}

interface World {
  readonly table: SessionTable<string>;
  readonly entries: Entry[];
  now: number;
  evicted: number;
}

const held = ({ entries }: World) => entries.filter((entry) => !entry.ended);

/** Runs the table and gives the code of its refusal, or OK. */
function codeOf(act: () => unknown): string {
  try {
    act();
    return 'OK';
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return error.code === 'REPLAY' ? (error.data.reason as string) : error.code;
  }
}

const refusal = (code: number): string =>
  codeOf(() => {
    if (code < 0) throw sessionRefusal(code);
  });

function sweep(world: World): void {
  for (const entry of held(world)) if (entry.exp <= world.now) entry.ended = true;
}

/** One step of a run; `toString` is what a failure prints. */
interface Step {
  readonly run: (world: World) => void;
  readonly toString: () => string;
}

const step = (name: string, terms: readonly unknown[], run: (world: World) => void): Step => ({
  run,
  toString: () => `${name}(${terms.join(', ')})`,
});

/** For steps that need a session, one of all there ever were. */
const withEntry = (which: number, run: (world: World, entry: Entry) => void) => (world: World) => {
  const entry = world.entries[which % world.entries.length];
  if (entry !== undefined) run(world, entry);
};

/** SES-8 read aloud. */
function expectOpening(world: World, subject: string, root: string, seconds: number): string {
  if (seconds <= 0) return 'EXPIRED';
  sweep(world);
  const all = held(world);
  const own = all.filter((entry) => entry.subject === subject);
  const leaving = own.length >= BOUNDS.perSubject ? own[0] : undefined;
  const rest = all.filter((entry) => entry !== leaving);
  if (rest.length >= BOUNDS.capacity) return 'UNAVAILABLE';
  if (rest.filter(({ lids }) => lids[0] === root).length >= BOUNDS.perRoot) return 'UNAVAILABLE';
  if (leaving !== undefined) {
    leaving.ended = true;
    world.evicted += 1;
  }
  return 'OK';
}

function open(
  world: World,
  who: number,
  chain: number,
  seconds: number,
  window: WindowWidth,
  shared: boolean,
) {
  const subject = `did:key:${who}`;
  const lids = [`root${chain % 3}`, `leaf${chain} ${subject}`];
  const expected = expectOpening(world, subject, lids[0]!, seconds);
  const key = new Uint8Array(randomBytes(32));
  const exp = world.now + seconds;
  const terms = { subject, lids, exp, window, context: subject };
  const code = codeOf(() => {
    const opened = world.table.open({
      ...terms,
      deriveKey: () => key.slice(),
      ...(shared && { authority: lids.join(' ') }),
    });
    const { sid, handle } = opened;
    expect(opened).toEqual({ sid, handle, ...terms, exp: Math.min(exp, world.now + 3600) });
    world.entries.push({ ...opened, key, used: new Set(), highest: 0, ended: false });
  });
  expect(code).toBe(expected);
}

type Way = 'code' | 'handle' | 'object' | 'header' | 'forged' | 'peek';

/** SES-9 read aloud. */
function expectUse(world: World, entry: Entry, seq: number): string {
  if (!entry.ended && entry.exp <= world.now) entry.ended = true;
  if (entry.ended) return 'SESSION_UNKNOWN';
  if (seq <= entry.highest - entry.window) return 'below_window';
  return entry.used.has(seq) ? 'seen' : 'OK';
}

function ask({ table, now }: World, { sid, handle, key }: Entry, seq: number, way: Way): string {
  const fields = { ...request, sid, seq, rid, gateway: GATEWAY };
  const mac = sessionMac(way === 'forged' ? new Uint8Array(32) : key, fields, crypto);
  const credential = { sid, seq, rid, mac };
  if (way === 'peek') return codeOf(() => table.peek(sid, seq));
  if (way === 'object') return codeOf(() => table.authenticate(credential, request));
  if (way === 'forged' || way === 'header')
    return refusal(table.hits.verify(formatTalosAuthorization(credential), request, now));
  const slot = way === 'handle' ? table.hits.resolve(handle) : table.hits.find(sid);
  return refusal(slot < 0 ? slot : table.hits.use(slot, seq, now));
}

function use(world: World, entry: Entry, seq: number, way: Way): void {
  const verdict = expectUse(world, entry, seq);
  expect(ask(world, entry, seq, way)).toBe(way === 'forged' && verdict === 'OK' ? 'PROOF_INVALID' : verdict);
  if (verdict !== 'OK' || way === 'forged' || way === 'peek') return;
  entry.used.add(seq);
  entry.highest = Math.max(entry.highest, seq);
}

function close({ table }: World, entry: Entry): void {
  expect(table.close(entry.sid)).toBe(!entry.ended);
  entry.ended = true;
}

function revoke(world: World, lid: string): void {
  const struck = held(world).filter((entry) => entry.lids.includes(lid));
  expect(world.table.revoke(lid)).toBe(struck.length);
  for (const entry of struck) entry.ended = true;
  sweep(world);
}

function sweepBoth(world: World): void {
  const before = held(world).length;
  sweep(world);
  expect(world.table.sweep()).toBe(before - held(world).length);
}

const index = fc.nat(40);
const width = fc.constantFrom<WindowWidth>(256, 1024);
const way = fc.constantFrom<Way>('code', 'handle', 'object', 'header', 'forged', 'peek');
const near = fc.integer({ min: -1100, max: 1100 });
const far = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const lives = fc.oneof(fc.integer({ min: -1, max: 4000 }), fc.constantFrom(5, 60, 3600));
const jump = fc.oneof(fc.integer({ min: -50, max: 900 }), fc.integer({ min: -20_000, max: 20_000 }));

const steps: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> }[] = [
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.nat(5), fc.nat(8), lives, width, fc.boolean())
      .map((terms) => step('open', terms, (world) => open(world, ...terms))),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(index, near, way).map(([which, by, how]) =>
      step(
        'use',
        [which, by, how],
        withEntry(which, (world, entry) =>
          use(world, entry, Math.min(Number.MAX_SAFE_INTEGER, Math.max(1, entry.highest + by)), how),
        ),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(index, far, way).map(([which, seq, how]) =>
      step(
        'use at',
        [which, seq, how],
        withEntry(which, (world, entry) => use(world, entry, seq, how)),
      ),
    ),
  },
  { weight: 1, arbitrary: index.map((which) => step('close', [which], withEntry(which, close))) },
  {
    weight: 1,
    arbitrary: index.map((which) =>
      step(
        'revoke',
        [which],
        withEntry(which, (world, { lids }) => revoke(world, lids[which % 2]!)),
      ),
    ),
  },
  {
    weight: 2,
    arbitrary: jump.map((by) =>
      step('clock', [by], (world) => {
        world.now += by;
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant(step('sweep', [], sweepBoth)) },
];

function createWorld(): World {
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const deps = { node: 1, boot: 5, gateway: GATEWAY, crypto, random, isRevoked: () => false };
  const world = { entries: [], now: START, evicted: 0 };
  const table = createSessionTable<string>({ ...deps, ...BOUNDS, now: () => world.now * 1000 });
  return Object.assign(world, { table });
}

it('is what a map of objects would be, whatever the clock does (SES-8, SES-9, SES-12)', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(...steps), { maxLength: 150, size: 'max' }), (run) => {
      const world = createWorld();
      for (const step of run) {
        step.run(world);
        expect(world.table.size()).toBe(held(world).length);
      }
      expectAgreement(world);
    }),
    { numRuns: 200 },
  );
});

function expectAgreement(world: World): void {
  const { table, entries } = world;
  expect(table.evicted()).toBe(world.evicted);
  for (const entry of entries) {
    expect(table.hits.resolve(entry.handle) >= 0).toBe(!entry.ended);
    expect(table.isOpen(entry.sid)).toBe(!entry.ended && world.now < entry.exp);
  }
  for (const { sid } of entries) table.close(sid);
  expect([table.size(), table.bytes()]).toEqual([0, 0]);
}
