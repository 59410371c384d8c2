import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createNodeCrypto } from '../node/crypto.js';
import { formatTalosAuthorization } from './authorization.js';
import type { AuthenticatedRequest } from './mac.js';
import { sessionMac } from './mac.js';
import { MAX_SESSIONS, SESSION_BYTES } from './records.js';
import type { NewSession } from './session.js';
import {
  BELOW_WINDOW,
  MALFORMED,
  NOT_YET_VALID,
  PROOF_INVALID,
  SEEN,
  SESSION_ELSEWHERE,
  SESSION_UNKNOWN,
  sessionRefusal,
} from './session-code.js';
import { decodeSessionId, encodeSessionId } from './sid.js';
import { createSessionTable, type SessionTableDeps, sessionsWithin } from './table.js';

const NOW = 1_700_000_000;
const GATEWAY = 'did:web:gateway.example';
const MAX = Number.MAX_SAFE_INTEGER;
const crypto = createNodeCrypto();
const key = new Uint8Array(32).fill(6);
const rid = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const request: AuthenticatedRequest = { method: 'GET', target: '/', headers: {}, bodyHash: 'a'.repeat(64) };

function createWorld(deps: Partial<SessionTableDeps> = {}) {
  const clock = { s: NOW };
  const table = createSessionTable<string>({
    ...{ node: 1, boot: 5, gateway: GATEWAY, capacity: 100, crypto },
    now: () => clock.s * 1000,
    random: (length) => new Uint8Array(randomBytes(length)),
    isRevoked: () => false,
    ...deps,
  });
  const open = (change: Partial<NewSession<string>> = {}) =>
    table.open({
      ...{ subject: 'did:key:a', lids: ['root', 'leaf'], exp: NOW + 3600, window: 256, context: 'c' },
      deriveKey: () => key.slice(),
      ...change,
    });
  return { clock, table, hits: table.hits, open };
}

function sign(sid: string, seq: number, change: Partial<AuthenticatedRequest> = {}): string {
  const mac = sessionMac(key, { ...request, ...change, sid, seq, rid, gateway: GATEWAY }, crypto);
  return formatTalosAuthorization({ sid, seq, rid, mac });
}

describe('the hit path', () => {
  it('finds a session by its id, and its context by the slot', () => {
    const { hits, open } = createWorld();
    const { sid } = open({ context: 'mine' });
    const slot = hits.find(sid);
    expect(slot).toBe(0);
    expect(hits.contextOf(slot)).toBe('mine');
    expect(hits.check(slot, 1, NOW)).toBe(0);
    expect([hits.use(slot, 1, NOW), hits.use(slot, 1, NOW), hits.check(slot, 2, NOW)]).toEqual([0, SEEN, 0]);
  });

  it('knows no id of another node, another start or a guess (SES-8)', () => {
    const { hits, open } = createWorld();
    const id = decodeSessionId(open().sid);
    const find = (change: object) => hits.find(encodeSessionId({ ...id, ...change }));
    expect(find({ node: 2 })).toBe(SESSION_ELSEWHERE);
    expect(find({ boot: 4 })).toBe(SESSION_ELSEWHERE);
    expect(find({ boot: 6 })).toBe(SESSION_UNKNOWN);
    for (const slot of [1, 99, 4096, 0xffff_ffff]) expect(find({ slot })).toBe(SESSION_UNKNOWN);
    for (let i = 0; i < 16; i++) {
      const random = id.random.map((byte, j) => (i === j ? byte ^ 1 : byte));
      expect(find({ random })).toBe(SESSION_UNKNOWN);
    }
    expect(find({ random: new Uint8Array(16) })).toBe(SESSION_UNKNOWN);
    expect(find({})).toBe(0);
  });

  it('takes an empty slot for no session, even where its randomness would be zero', () => {
    const { hits, open, table } = createWorld({ random: (length) => new Uint8Array(length) });
    const { sid } = open();
    expect(hits.find(sid)).toBe(0);
    table.close(sid);
    expect(hits.find(sid)).toBe(SESSION_UNKNOWN);
  });

  it.each(['', 'ses_', `ses_${'A'.repeat(37)}B`, `ses_${'A'.repeat(39)}`, `ses_${'é'.repeat(38)}`])(
    'refuses the id %s',
    (sid) => {
      const { hits, table } = createWorld();
      expect(hits.find(sid)).toBe(MALFORMED);
      expect([table.isOpen(sid), table.close(sid)]).toEqual([false, false]);
      expect(() => table.peek(sid, 1)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    },
  );

  it('gives the handle of an ended session to no later one in its slot', () => {
    const { hits, open, table } = createWorld();
    const handles = new Set<number>();
    for (let i = 0; i < 3000; i++) {
      const { sid, handle } = open();
      expect(hits.resolve(handle)).toBe(0);
      expect(hits.handleOf(0)).toBe(handle);
      handles.add(handle);
      table.close(sid);
      expect(hits.resolve(handle)).toBe(SESSION_UNKNOWN);
    }
    expect(handles.size).toBe(3000);
    open();
    expect([...handles].every((handle) => hits.resolve(handle) === SESSION_UNKNOWN)).toBe(true);
    for (const wrong of [-1, 2 ** 22, Number.NaN, MAX]) expect(hits.resolve(wrong)).toBe(SESSION_UNKNOWN);
  });

  it('keeps handle and numbers apart when numbers reach 2^53 - 1', () => {
    const { hits, open } = createWorld();
    for (const window of [256, 1024] as const) {
      const { handle } = open({ window });
      const slot = hits.resolve(handle);
      expect(hits.use(slot, MAX, NOW)).toBe(0);
      expect(hits.use(slot, MAX, NOW)).toBe(SEEN);
      expect(hits.use(slot, MAX - window + 1, NOW)).toBe(0);
      expect(hits.use(slot, MAX - window, NOW)).toBe(BELOW_WINDOW);
      expect(hits.use(slot, MAX + 1, NOW)).toBe(BELOW_WINDOW);
      expect(hits.resolve(handle)).toBe(slot);
      expect(hits.contextOf(slot)).toBe('c');
    }
  });

  it('gives no window of an ended session to its successor', () => {
    const { hits, open, table } = createWorld();
    for (let round = 0; round < 40; round++) {
      const opened = [open({ window: 1024 }), open({ window: 1024 }), open()];
      for (const { handle } of opened) {
        const slot = hits.resolve(handle);
        for (const seq of [1, 2, 900]) expect(hits.use(slot, seq, NOW)).toBe(0);
        expect(hits.use(slot, 900, NOW)).toBe(SEEN);
      }
      for (const { sid } of opened) table.close(sid);
    }
  });

  it('holds many wide windows, each its own', () => {
    const { hits, open } = createWorld();
    const slots = Array.from({ length: 60 }, () =>
      hits.resolve(open({ window: 1024, subject: `${Math.random()}` }).handle),
    );
    for (const [i, slot] of slots.entries()) expect(hits.use(slot, i + 1, NOW)).toBe(0);
    for (const [i, slot] of slots.entries()) {
      expect(hits.check(slot, i + 1, NOW)).toBe(SEEN);
      expect(hits.check(slot, i + 2, NOW)).toBe(0);
    }
  });

  it('verifies a header once, and nothing that was altered (SES-6)', () => {
    const { hits, open, table } = createWorld();
    const { sid } = open();
    const other = open().sid;
    const good = sign(sid, 1);
    expect(hits.verify('Talos x', request, NOW)).toBe(MALFORMED);
    expect(hits.verify(good, { ...request, target: '/a' }, NOW)).toBe(PROOF_INVALID);
    expect(hits.verify(good, { ...request, method: 'PUT' }, NOW)).toBe(PROOF_INVALID);
    expect(hits.verify(good.replace('seq=1', 'seq=2'), request, NOW)).toBe(PROOF_INVALID);
    expect(hits.verify(good.replace(sid, other), request, NOW)).toBe(PROOF_INVALID);
    expect(hits.verify(good.replace('rid=01', 'rid=02'), request, NOW)).toBe(PROOF_INVALID);
    expect(hits.verify(good, request, NOW)).toBe(0);
    expect(hits.verify(good, request, NOW)).toBe(SEEN);
    expect(table.verify(sign(sid, 2), request)).toMatchObject({ sid, context: 'c', window: 256 });
    expect(() => table.verify(sign(sid, 2), request)).toThrow(expect.objectContaining({ code: 'REPLAY' }));
    const foreign = encodeSessionId({ ...decodeSessionId(sid), node: 9 });
    expect(hits.verify(sign(foreign, 3), request, NOW)).toBe(SESSION_ELSEWHERE);
  });

  it('verifies a request that is longer than the room for it', () => {
    const { hits, open } = createWorld();
    const { sid } = open();
    for (const [seq, length] of [3700, 4000, 9000, 1, 9000].entries()) {
      const long = { target: `/${'x'.repeat(length)}` };
      const header = sign(sid, seq + 1, long);
      expect(hits.verify(header, { ...request, target: `/${'x'.repeat(length - 1)}y` }, NOW)).toBe(
        PROOF_INVALID,
      );
      expect(hits.verify(header, { ...request, ...long }, NOW)).toBe(0);
    }
  });

  it('opens to nobody while what it was opened for is not valid yet', () => {
    const { clock, hits, open, table } = createWorld();
    const { sid } = open({ validFrom: NOW - 10 });
    clock.s = NOW - 11;
    expect(hits.check(0, 1, clock.s)).toBe(NOT_YET_VALID);
    expect(table.isOpen(sid)).toBe(false);
    expect(() => table.peek(sid, 1)).toThrow(expect.objectContaining({ code: 'NOT_YET_VALID' }));
    clock.s = NOW - 10;
    expect(table.isOpen(sid)).toBe(true);
  });

  it('does not bring back a session that was said to be over, however the clock moves', () => {
    const { clock, open, table } = createWorld();
    const { sid } = open({ exp: NOW + 10 });
    clock.s = NOW + 10;
    expect(() => table.peek(sid, 1)).toThrow(expect.objectContaining({ code: 'SESSION_UNKNOWN' }));
    clock.s = NOW;
    expect(table.isOpen(sid)).toBe(false);
    expect(table.size()).toBe(0);
  });

  it('has an error for every code', () => {
    const codes = [
      MALFORMED,
      SESSION_UNKNOWN,
      SESSION_ELSEWHERE,
      NOT_YET_VALID,
      SEEN,
      BELOW_WINDOW,
      PROOF_INVALID,
    ];
    expect(codes.map((code) => sessionRefusal(code).code)).toEqual([
      'MALFORMED',
      'SESSION_UNKNOWN',
      'SESSION_ELSEWHERE',
      'NOT_YET_VALID',
      'REPLAY',
      'REPLAY',
      'PROOF_INVALID',
    ]);
    expect(() => sessionRefusal(0)).toThrow(RangeError);
  });
});

describe('memory', () => {
  it('is 120 bytes a session, and 128 more for a wide window', () => {
    const { open, table } = createWorld();
    expect(SESSION_BYTES).toBe(120);
    open({ authority: 'a', bytes: 1000 });
    expect(table.bytes()).toBe(1120);
    open({ authority: 'a', bytes: 1000, window: 1024 });
    expect(table.bytes()).toBe(1120 + 248);
    open({ subject: 'did:key:b' });
    expect(table.bytes()).toBe(1120 + 248 + 4096 + 120);
  });

  it('bounds the table, with what the sessions were opened for', () => {
    const { open, table } = createWorld({ memory: 40_000 });
    const opened = Array.from({ length: 4 }, (_, i) =>
      open({ lids: [`r${i}`], subject: `${i}`, bytes: 9000 }),
    );
    const full = expect.objectContaining({ code: 'UNAVAILABLE' });
    expect(() => open({ lids: ['r9'], subject: '9', bytes: 9000 })).toThrow(full);
    table.close(opened[0]!.sid);
    expect(table.isOpen(open({ lids: ['r9'], subject: '9', bytes: 9000 }).sid)).toBe(true);
  });

  it('gives one root link a quarter of it', () => {
    const { open } = createWorld({ memory: 40_000 });
    const below = (subject: string) => open({ subject, bytes: 6000 });
    below('a');
    expect(() => below('b')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    expect(open({ subject: 'c', lids: ['another'], bytes: 6000 }).subject).toBe('c');
  });

  it('says how many sessions it is good for', () => {
    expect(sessionsWithin(120_000)).toBe(1000);
    expect(sessionsWithin(2 ** 40)).toBe(MAX_SESSIONS);
    expect(() => createWorld({ capacity: MAX_SESSIONS + 1 })).toThrow(RangeError);
  });

  it('grows and finds its way when thousands come and go', () => {
    const { clock, hits, open, table } = createWorld({
      capacity: 10_000,
      perSubject: 10_000,
      perRoot: 10_000,
    });
    const opened = Array.from({ length: 9000 }, (_, i) => open({ authority: 'a', exp: NOW + 1 + (i % 100) }));
    expect(opened.every(({ sid }, i) => hits.find(sid) === i)).toBe(true);
    clock.s = NOW + 50;
    expect(table.sweep(1000)).toBe(1000);
    expect(table.sweep()).toBe(3500);
    expect(table.size()).toBe(4500);
    expect(opened.every(({ sid, exp }) => table.isOpen(sid) === exp > clock.s)).toBe(true);
    expect(table.revoke('leaf')).toBe(4500);
    expect(table.bytes()).toBe(0);
  });
});
