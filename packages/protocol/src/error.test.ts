import { describe, expect, it } from 'vitest';
import { isTrustError, malformed, TrustError } from './error.js';

describe('TrustError', () => {
  it('carries code, reason and facts, and a safe title in its message', () => {
    const error = new TrustError('EXPIRED', 'exp is past', { link: 2 });
    expect(error).toMatchObject({
      name: 'TrustError',
      code: 'EXPIRED',
      data: { link: 2, reason: 'exp is past' },
      message: 'A link of the capability has expired: exp is past',
    });
    expect('cause' in error).toBe(false);
    expect(malformed('x', error).cause).toBe(error);
  });

  it('is recognised by its shape, also from another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'TrustError', code: 'REPLAY' });
    expect([new TrustError('REPLAY', 'x'), foreign].map(isTrustError)).toEqual([true, true]);
  });

  it.each([
    new Error('x'),
    'TrustError',
    undefined,
    { name: 'TrustError', code: 'REPLAY' },
    Object.assign(new Error('x'), { name: 'TrustError' }),
    Object.assign(new Error('x'), { name: 'TrustError', code: 'toString' }),
    Object.assign(new Error('x'), { name: 'TrustError', code: 7 }),
  ])('is not %s', (value) => {
    expect(isTrustError(value)).toBe(false);
  });
});
