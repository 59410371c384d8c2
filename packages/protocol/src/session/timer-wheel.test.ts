import { expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { createSessionTable } from './table.js';

const NOW = 1_700_000_000;

function createWorld(capacity = 1000) {
  let count = 0;
  const clock = { s: NOW };
  const table = createSessionTable<undefined>({
    ...{ node: 1, boot: 1, gateway: 'did:web:g', capacity, perSubject: capacity, perRoot: capacity },
    crypto: portableCrypto,
    now: () => clock.s * 1000,
    random: () => new Uint8Array(new Uint32Array([++count, 0, 0, 0]).buffer),
    isRevoked: () => false,
  });
  const open = (seconds: number, authority = 'a') =>
    table.open({
      ...{ subject: 'did:key:a', lids: ['root', authority], authority, window: 256, context: undefined },
      exp: clock.s + seconds,
      deriveKey: () => new Uint8Array(32),
    });
  return { clock, table, open };
}

it('frees expired sessions in steps as small as asked for', () => {
  const { clock, open, table } = createWorld();
  for (let i = 0; i < 10; i++) open(60 + (i % 2));
  clock.s += 60;
  expect([table.sweep(2), table.sweep(2), table.sweep(0), table.size()]).toEqual([2, 2, 0, 6]);
  clock.s += 1;
  expect([table.sweep(3), table.sweep(9), table.sweep(9)]).toEqual([3, 3, 0]);
});

it('goes on where it stopped, also when that session was ended meanwhile', () => {
  const { clock, open, table } = createWorld();
  const opened = Array.from({ length: 5 }, () => open(60));
  clock.s += 60;
  expect(table.sweep(1)).toBe(1);
  expect(table.close(opened[1]!.sid)).toBe(true);
  expect(table.close(opened[4]!.sid)).toBe(true);
  expect(table.sweep()).toBe(2);
  expect(table.size()).toBe(0);
});

it.each([4095, 4096, 4097, 1e6, 1e9])('finds all after a leap of %i s, none before its time', (leap) => {
  const { clock, open, table } = createWorld();
  const opened = Array.from({ length: 360 }, (_, i) => open(10 * (i + 1)));
  table.sweep();
  clock.s += 1800;
  expect(table.sweep()).toBe(180);
  clock.s -= leap;
  expect(table.sweep()).toBe(0);
  expect(opened.filter(({ sid }) => table.isOpen(sid))).toHaveLength(180);
  const late = open(5);
  clock.s += 5;
  expect(table.isOpen(late.sid)).toBe(false);
  clock.s += 2 * leap;
  table.sweep();
  expect(table.size()).toBe(0);
});

it('walks on past sessions that a clock set back leaves for later', () => {
  const { clock, open, table } = createWorld();
  open(3600);
  clock.s -= 496; // 4096 s before the end of the first: the same second of the wheel
  for (let i = 0; i < 3; i++) open(1);
  clock.s += 1;
  expect([table.sweep(), table.size()]).toEqual([3, 1]);
});

it('has room for as many things to be opened for as there are sessions', () => {
  const { open, table } = createWorld();
  const opened = Array.from({ length: 300 }, (_, i) => open(60, `leaf${i}`));
  expect(opened.every(({ sid }) => table.isOpen(sid))).toBe(true);
  expect(table.revoke('leaf200')).toBe(1);
  expect(opened.filter(({ sid }) => !table.isOpen(sid))).toEqual([opened[200]]);
});

it('puts all sessions out of force at once, however many, and frees them in steps (SES-12)', () => {
  const { open, table } = createWorld(66_000);
  const opened = Array.from({ length: 66_000 }, () => open(60));
  expect(table.revoke('root')).toBe(66_000);
  expect(table.size()).toBe(66_000 - 65_536);
  expect(opened.some(({ sid }) => table.isOpen(sid))).toBe(false);
  const left = opened.filter(({ handle }) => table.hits.resolve(handle) >= 0);
  expect(() => table.peek(left[0]!.sid, 1)).toThrow(expect.objectContaining({ code: 'SESSION_UNKNOWN' }));
  expect(table.sweep(100)).toBe(100);
  expect(table.sweep()).toBe(364);
  expect([table.size(), table.bytes()]).toEqual([0, 0]);
});
