import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import type { NewSession } from './session.js';
import { createSessionTable, type SessionTable, type SessionTableDeps } from './table.js';

const NOW = 1_700_000_000;
const code = (code: string) => expect.objectContaining({ code });

function createWorld(deps: Partial<SessionTableDeps> = {}) {
  let count = 0;
  const clock = { s: NOW };
  const table = createSessionTable<string>({
    ...{ node: 1, boot: 1, gateway: 'did:web:g', capacity: 4, crypto: portableCrypto },
    now: () => clock.s * 1000,
    random: (length) => new Uint8Array(length).fill(++count),
    isRevoked: () => false,
    ...deps,
  });
  const open = (change: Partial<NewSession<string>> = {}) =>
    table.open({
      ...{ subject: 'did:key:a', lids: ['root', 'leaf'], exp: NOW + 60, window: 256, context: 'c' },
      deriveKey: () => new Uint8Array(32).fill(7),
      ...change,
    });
  return { clock, table, open };
}

describe('opening a session while its callbacks use the table', () => {
  it('holds no more than the table, when the key of one opens others', () => {
    const { open, table } = createWorld({ capacity: 2 });
    let inner = 0;
    const greedy = () => {
      for (; inner < 5; inner++) expect(open({ subject: `did:key:${inner}` }).sid).toMatch(/^ses_/);
      return new Uint8Array(32);
    };
    expect(() => open({ deriveKey: greedy })).toThrow(code('UNAVAILABLE'));
    expect(table.size()).toBe(1);
  });

  it('ends no session of the subject for an opening that fails', () => {
    const { open, table } = createWorld({ perSubject: 1 });
    const { sid } = open();
    const fails = () => {
      throw new Error('small order');
    };
    expect(() => open({ deriveKey: fails })).toThrow('small order');
    expect(() => open({ deriveKey: () => new Uint8Array(31) })).toThrow(RangeError);
    expect([table.isOpen(sid), table.size(), table.evicted()]).toEqual([true, 1, 0]);
    open();
    expect([table.isOpen(sid), table.size(), table.evicted()]).toEqual([false, 1, 1]);
  });

  it('opens another in a full table for a subject that may have no more', () => {
    const { open, table } = createWorld({ capacity: 2, perSubject: 2 });
    const opened = [open(), open(), open(), open()];
    expect(opened.map(({ sid }) => table.isOpen(sid))).toEqual([false, false, true, true]);
  });

  it.each<[string, (table: SessionTable<string>, sid: string) => void]>([
    ['revoked', (table) => void table.revoke('leaf')],
    ['ended', (table, sid) => void table.close(sid)],
  ])('gives nobody a session that was %s meanwhile (SES-12)', (_, meanwhile) => {
    let sid = '';
    const { open, table } = createWorld({
      isRevoked: () => {
        meanwhile(table, sid);
        return false;
      },
    });
    const remember = (given: string) => {
      sid = given;
      return new Uint8Array(32);
    };
    expect(() => open({ deriveKey: remember })).toThrow(code('REVOKED'));
    expect([table.size(), table.isOpen(sid)]).toEqual([0, false]);
  });

  it('keeps no session when nobody can say whether it is revoked', () => {
    const { open, table } = createWorld({
      isRevoked: () => {
        throw new Error('no answer');
      },
    });
    expect(() => open()).toThrow('no answer');
    expect(table.size()).toBe(0);
  });

  it('wipes the key it was given', () => {
    const { open } = createWorld();
    const key = new Uint8Array(32).fill(7);
    open({ deriveKey: () => key });
    expect([...key]).toEqual(Array(32).fill(0));
    const refused = new Uint8Array(31).fill(7);
    expect(() => open({ deriveKey: () => refused })).toThrow(RangeError);
    expect([...refused]).toEqual(Array(31).fill(0));
  });
});

describe('sessions opened for the same', () => {
  it('share what the first was opened for', () => {
    const { open, table } = createWorld();
    const first = open({ authority: 'k', context: 'first' });
    const second = open({ authority: 'k', context: 'second' });
    expect([first.context, second.context]).toEqual(['first', 'first']);
    table.close(first.sid);
    expect(table.peek(second.sid, 1).context).toBe('first');
    table.close(second.sid);
    expect(open({ authority: 'k', context: 'third' }).context).toBe('third');
  });

  it('cannot be of two subjects', () => {
    const { open, table } = createWorld();
    open({ authority: 'k' });
    expect(() => open({ authority: 'k', subject: 'did:key:b' })).toThrow(RangeError);
    expect(table.size()).toBe(1);
  });

  it('are opened anew after the old ones were revoked', () => {
    const { open, table } = createWorld();
    const old = open({ authority: 'k', context: 'old' });
    expect(table.revoke('leaf')).toBe(1);
    expect(table.revoke('leaf')).toBe(0);
    const renewed = open({ authority: 'k', context: 'new' });
    expect(renewed.context).toBe('new');
    expect([table.isOpen(old.sid), table.isOpen(renewed.sid)]).toEqual([false, true]);
  });

  it('need no link at all', () => {
    const { open, table } = createWorld();
    const { sid } = open({ lids: [] });
    expect(table.isOpen(sid)).toBe(true);
    table.close(sid);
    expect(table.bytes()).toBe(0);
  });
});

it('takes the time of the session from now: an hour at most, whole seconds', () => {
  const { open } = createWorld();
  expect(open({ exp: NOW + 9999 }).exp).toBe(NOW + 3600);
  expect(open({ exp: NOW + 10.9 }).exp).toBe(NOW + 10);
  expect(() => open({ exp: NOW + 0.5 })).toThrow(code('EXPIRED'));
});
