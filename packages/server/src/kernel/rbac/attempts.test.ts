import { TrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { createAttempts } from './attempts.js';

const codes = async (answers: readonly Promise<unknown>[]): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const settled of await Promise.allSettled(answers)) {
    const name = settled.status === 'fulfilled' ? 'ok' : (settled.reason as TrustError).code;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};
const many = <T>(count: number, one: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => one(n));
const wrong = () => Promise.reject(new TrustError('UNAUTHENTICATED', 'no'));
const right = () => Promise.resolve('who');

// RBAC-10
describe('credentials of one address', () => {
  it('that do not count are looked up 60 times a minute, also one and the same, also all at once', async () => {
    const time = { now: 0 };
    const attempts = createAttempts(() => time.now);
    expect(await codes(many(100, (n) => attempts.look('a', `x${n}`, wrong)))).toEqual({
      UNAUTHENTICATED: 60,
      RATE_LIMITED: 40,
    });
    expect(await codes(many(100, () => attempts.look('b', 'same', wrong)))).toEqual({
      UNAUTHENTICATED: 60,
      RATE_LIMITED: 40,
    });
    expect(await codes([attempts.look('c', 'x', wrong)])).toEqual({ UNAUTHENTICATED: 1 });
    time.now = 60_000;
    expect(await codes([attempts.look('a', 'x', wrong)])).toEqual({ UNAUTHENTICATED: 1 });
  });

  it('that count are never held up by their own number, nor later by what others send from there', async () => {
    const attempts = createAttempts(() => 0);
    expect(await codes(many(500, () => attempts.look('a', 'key', right)))).toEqual({ ok: 500 });
    await codes(many(70, (n) => attempts.look('a', `x${n}`, wrong)));
    expect(await codes(many(500, () => attempts.look('a', 'key', right)))).toEqual({ ok: 500 });
    expect(await codes([attempts.look('a', 'new', right)])).toEqual({ RATE_LIMITED: 1 });
  });

  it('of which nobody can say anything are not held against it', async () => {
    const attempts = createAttempts(() => 0);
    const down = () => Promise.reject(new TrustError('UNAVAILABLE', 'the database is away'));
    expect(await codes(many(100, (n) => attempts.look('a', `x${n}`, down)))).toMatchObject({
      UNAVAILABLE: 60,
    });
    expect(await codes([attempts.look('a', 'key', right)])).toEqual({ ok: 1 });
  });

  it('are remembered for a bounded number of addresses; the rest counts as one', async () => {
    const attempts = createAttempts(() => 0);
    await codes(many(10_000, (n) => attempts.look(`a${n}`, 'x', wrong)));
    expect(await codes(many(70, (n) => attempts.look(`b${n}`, `y${n}`, wrong)))).toEqual({
      UNAUTHENTICATED: 60,
      RATE_LIMITED: 10,
    });
  });
});
