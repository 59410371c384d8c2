import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import type { AuthenticatedRequest } from './mac.js';
import { sessionMac } from './mac.js';
import type { NewSession } from './session.js';
import { decodeSessionId, encodeSessionId } from './sid.js';
import { createSessionTable, type SessionTableDeps } from './table.js';

const NOW = 1_700_000_000;
const GATEWAY = 'did:web:gateway.example';
const rid = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const key = new Uint8Array(32).fill(6);
const request: AuthenticatedRequest = {
  method: 'POST',
  target: '/mcp',
  headers: { 'content-type': 'application/json' },
  bodyHash: createHash('sha256').update('{}').digest('hex'),
};

function createWorld(deps: Partial<SessionTableDeps> = {}) {
  const clock = { s: NOW };
  const table = createSessionTable<string>({
    node: 1,
    boot: 5,
    gateway: GATEWAY,
    capacity: 4,
    crypto: portableCrypto,
    now: () => clock.s * 1000,
    random: (length) => new Uint8Array(randomBytes(length)),
    isRevoked: () => false,
    ...deps,
  });
  const open = (change: Partial<NewSession<string>> = {}) => table.open({ ...session, ...change });
  return { clock, table, open };
}

const session: NewSession<string> = {
  subject: 'did:key:agent',
  lids: ['root', 'leaf'],
  exp: NOW + 3600,
  window: 256,
  context: 'capability',
  deriveKey: () => key.slice(),
};

function sign(sid: string, seq: number, change: Partial<AuthenticatedRequest> = {}) {
  const mac = sessionMac(key, { ...request, ...change, sid, seq, rid, gateway: GATEWAY }, portableCrypto);
  return { sid, seq, rid, mac };
}

const code = (code: string) => expect.objectContaining({ code });
const replay = (reason: string) =>
  expect.objectContaining({ code: 'REPLAY', data: expect.objectContaining({ reason }) });

describe('session table', () => {
  it('opens a session whose id names node, boot and slot (SES-8)', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    expect(decodeSessionId(sid)).toMatchObject({ node: 1, boot: 5, slot: 0 });
    expect(decodeSessionId(open().sid).slot).toBe(1);
    expect(table.size()).toBe(2);
  });

  it('derives the key from the id it gave', () => {
    const ids: string[] = [];
    const { open } = createWorld();
    const { sid } = open({ deriveKey: (sid) => key.slice(0, 31 + ids.push(sid)) });
    expect(ids).toEqual([sid]);
  });

  it('holds nothing when the key cannot be derived', () => {
    const { open, table } = createWorld();
    expect(() =>
      open({
        deriveKey: () => {
          throw new Error('small order');
        },
      }),
    ).toThrow('small order');
    expect(table.size()).toBe(0);
    expect(table.revoke('leaf')).toBe(0);
  });

  it('lets a request through once (SES-9)', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    expect(table.authenticate(sign(sid, 1), request)).toMatchObject({ sid, context: 'capability' });
    expect(() => table.authenticate(sign(sid, 1), request)).toThrow(replay('seen'));
    expect(() => table.peek(sid, 1)).toThrow(replay('seen'));
    expect(table.peek(sid, 2).sid).toBe(sid);
  });

  it('says that a number fell out of the window', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    table.authenticate(sign(sid, 300), request);
    expect(() => table.peek(sid, 44)).toThrow(replay('below_window'));
    expect(() => table.authenticate(sign(sid, 44), request)).toThrow(replay('below_window'));
    expect(table.authenticate(sign(sid, 45), request).sid).toBe(sid);
  });

  it('says in the hint which of the two it was, and of a wrong MAC what it is made over (SES-9)', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    table.authenticate(sign(sid, 300), request);
    const hint = (text: string) =>
      expect.objectContaining({ data: expect.objectContaining({ hint: expect.stringMatching(text) }) });
    expect(() => table.peek(sid, 300)).toThrow(hint('^seen: '));
    expect(() => table.peek(sid, 44)).toThrow(hint('^below_window: '));
    const forged = { ...sign(sid, 301), mac: new Uint8Array(16) };
    expect(() => table.authenticate(forged, request)).toThrow(hint('^The mac is not that of this request'));
  });

  it('uses no number up for a wrong MAC: nobody else can burn the numbers of a session', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    const forged = { ...sign(sid, 2 ** 40), mac: new Uint8Array(16) };
    expect(() => table.authenticate(forged, request)).toThrow(code('PROOF_INVALID'));
    expect(table.authenticate(sign(sid, 1), request).sid).toBe(sid);
  });

  it.each<[string, Partial<AuthenticatedRequest>]>([
    ['method', { method: 'DELETE' }],
    ['target', { target: '/mcp/files' }],
    ['header', { headers: { 'content-type': 'application/json', 'mcp-name': 'x' } }],
    ['body', { bodyHash: '0'.repeat(64) }],
  ])('refuses a request whose %s was altered', (_, change) => {
    const { open, table } = createWorld();
    const { sid } = open();
    expect(() => table.authenticate(sign(sid, 1), { ...request, ...change })).toThrow(code('PROOF_INVALID'));
  });

  it('refuses a MAC moved to another session, number or call', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    const other = open().sid;
    const good = sign(sid, 1);
    for (const change of [{ sid: other }, { seq: 2 }, { rid: rid.replace('01', '02') }]) {
      expect(() => table.authenticate({ ...good, ...change }, request)).toThrow(code('PROOF_INVALID'));
    }
  });

  it('takes no part of the MAC from the request beside it', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    const smuggled = { ...request, seq: 1, sid } as AuthenticatedRequest;
    expect(() => table.authenticate({ ...sign(sid, 1), seq: 2 }, smuggled)).toThrow(code('PROOF_INVALID'));
  });

  it('accepts requests in any order within the window, each once', () => {
    const numbers = Array.from({ length: 40 }, (_, i) => i + 1);
    fc.assert(
      fc.property(fc.shuffledSubarray(numbers, { minLength: 40 }), (order) => {
        const { open, table } = createWorld();
        const { sid } = open();
        for (const seq of order) expect(table.authenticate(sign(sid, seq), request).sid).toBe(sid);
        for (const seq of order) expect(() => table.peek(sid, seq)).toThrow(replay('seen'));
      }),
      { numRuns: 5 },
    );
  });

  it('tells an unknown session from one held elsewhere (SES-8)', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    const id = decodeSessionId(sid);
    const peek = (change: object) => () => table.peek(encodeSessionId({ ...id, ...change }), 1);
    expect(peek({ node: 2 })).toThrow(code('SESSION_ELSEWHERE'));
    expect(peek({ node: 2, boot: 9 })).toThrow(code('SESSION_ELSEWHERE'));
    expect(peek({ boot: 4 })).toThrow(code('SESSION_ELSEWHERE'));
    expect(peek({ boot: 6 })).toThrow(code('SESSION_UNKNOWN'));
    expect(peek({ slot: 3 })).toThrow(code('SESSION_UNKNOWN'));
    expect(peek({ slot: 0xffff_ffff })).toThrow(code('SESSION_UNKNOWN'));
    expect(peek({ random: new Uint8Array(16) })).toThrow(code('SESSION_UNKNOWN'));
    expect(() => table.peek('ses_', 1)).toThrow(code('MALFORMED'));
  });

  it('ends a session when asked, and does not mistake its successor in the slot for it (SES-11)', () => {
    const { open, table } = createWorld();
    const { sid } = open();
    expect(table.close(sid)).toBe(true);
    const next = open();
    expect(decodeSessionId(next.sid).slot).toBe(0);
    expect(table.close(sid)).toBe(false);
    expect(() => table.authenticate(sign(sid, 1), request)).toThrow(code('SESSION_UNKNOWN'));
    expect(table.isOpen(sid)).toBe(false);
    expect(table.isOpen(next.sid)).toBe(true);
  });

  it('wipes the key of a session that ended', () => {
    const { open, table } = createWorld();
    const own = key.slice();
    const { sid } = open({ deriveKey: () => own });
    table.close(sid);
    expect(own).toEqual(new Uint8Array(32));
  });

  it('ends every session whose chain holds a revoked link, at once (SES-12)', () => {
    const { open, table } = createWorld();
    const a = open({ lids: ['root', 'a'] });
    const b = open({ lids: ['root', 'b'] });
    const c = open({ lids: ['other'] });
    expect(table.revoke('a')).toBe(1);
    expect(() => table.authenticate(sign(a.sid, 1), request)).toThrow(code('SESSION_UNKNOWN'));
    expect(table.isOpen(b.sid)).toBe(true);
    expect(table.revoke('root')).toBe(1);
    expect([a, b, c].map(({ sid }) => table.isOpen(sid))).toEqual([false, false, true]);
    expect(table.revoke('root')).toBe(0);
  });

  it('sees a revocation that came while the session was opened', () => {
    const revoked = new Set<string>();
    const { open, table } = createWorld({ isRevoked: (lid) => revoked.has(lid) });
    const deriveKey = () => {
      revoked.add('leaf');
      return key.slice();
    };
    expect(() => open({ deriveKey })).toThrow(
      expect.objectContaining({ code: 'REVOKED', data: expect.objectContaining({ link: 2 }) }),
    );
    expect(table.size()).toBe(0);
  });

  it('ends a session at its exp, to the millisecond', () => {
    const { clock, open, table } = createWorld();
    const { sid } = open();
    clock.s = NOW + 3599.999;
    expect(table.authenticate(sign(sid, 1), request).sid).toBe(sid);
    expect(table.isOpen(sid)).toBe(true);
    clock.s = NOW + 3600;
    expect(table.isOpen(sid)).toBe(false);
    expect(() => table.authenticate(sign(sid, 2), request)).toThrow(code('SESSION_UNKNOWN'));
    expect(table.size()).toBe(0);
  });

  it('opens nothing that has expired already', () => {
    const { open } = createWorld();
    expect(() => open({ exp: NOW })).toThrow(code('EXPIRED'));
    expect(() => open({ exp: Number.NaN })).toThrow(code('EXPIRED'));
  });

  it('refuses when full rather than end a session of another subject', () => {
    const { open, table, clock } = createWorld();
    const opened = [1, 2, 3, 4].map((n) => open({ subject: `did:key:${n}`, exp: NOW + n * 10 }));
    expect(() => open({ subject: 'did:key:5' })).toThrow(code('UNAVAILABLE'));
    expect(opened.every(({ sid }) => table.isOpen(sid))).toBe(true);
    clock.s = NOW + 20;
    open({ subject: 'did:key:5' });
    expect(opened.map(({ sid }) => table.isOpen(sid))).toEqual([false, false, true, true]);
  });

  it('ends the oldest session of a subject that opens too many', () => {
    const { open, table } = createWorld({ perSubject: 2 });
    const other = open({ subject: 'did:key:other' });
    const opened = [open(), open(), open()];
    expect([other, ...opened].map(({ sid }) => table.isOpen(sid))).toEqual([true, false, true, true]);
  });

  it('leaves room for others, however many subjects one root link has', () => {
    const { open, table } = createWorld({ perRoot: 2 });
    const below = (lid: string) => open({ subject: `did:key:${lid}`, lids: ['root', lid] });
    const first = below('a');
    below('b');
    expect(() => below('c')).toThrow(code('UNAVAILABLE'));
    expect(table.isOpen(open({ subject: 'did:key:other', lids: ['another root'] }).sid)).toBe(true);
    table.close(first.sid);
    expect(table.isOpen(below('c').sid)).toBe(true);
  });

  it('sweeps what has expired', () => {
    const { clock, open, table } = createWorld();
    open({ exp: NOW + 10 });
    const { sid } = open();
    clock.s = NOW + 10;
    expect(table.sweep()).toBe(1);
    expect(table.sweep()).toBe(0);
    expect(table.size()).toBe(1);
    expect(table.isOpen(sid)).toBe(true);
  });

  it.each<Partial<SessionTableDeps>>([{ node: -1 }, { boot: 2 ** 32 }, { capacity: 0 }, { capacity: 1.5 }])(
    'cannot be made with %j',
    (deps) => {
      expect(() => createWorld(deps)).toThrow(RangeError);
    },
  );

  it('holds as many sessions as its model', () => {
    const step = fc.oneof(fc.constant('open' as const), fc.nat(7));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { open, table } = createWorld();
        const live: string[] = [];
        for (const action of steps) {
          if (action !== 'open') {
            const [sid] = live.splice(action, 1);
            if (sid !== undefined) expect(table.close(sid)).toBe(true);
          } else if (live.length < 4) live.push(open().sid);
          else expect(() => open()).toThrow(code('UNAVAILABLE'));
          expect(table.size()).toBe(live.length);
          expect(live.every(table.isOpen)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});
