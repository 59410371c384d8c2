import { MAX_ITEM_SCOPE } from '@talosprotocol/contracts';
import { TrustError, utf8Length } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { toRefusal } from './hint.js';

describe('a refusal', () => {
  it('always has a code of the table and a hint (DEC-1, DEC-2)', () => {
    for (const error of [new Error('x'), undefined, 'x', new TrustError('INTERNAL', 'x')]) {
      expect(toRefusal(error)).toMatchObject({ code: 'UNAVAILABLE', hint: expect.stringMatching(/.+/) });
    }
    expect(toRefusal(new TrustError('EXPIRED', 'x', { link: 2 }))).toEqual({
      code: 'EXPIRED',
      link: 2,
      hint: 'Ask the issuer of the link for a new one.',
    });
  });

  it('of a part that failed says which, not what was meant for later', () => {
    const error = new TrustError('UPSTREAM_FAILED', 'the tool server ended', {
      hint: 'perhaps it took effect',
    });
    expect(toRefusal(error).hint).toBe('the tool server ended. Try again in a moment.');
  });

  it('of what is malformed says what was wrong with it', () => {
    expect(toRefusal(new TrustError('MALFORMED', 'a chain with a gap')).hint).toMatch(
      /^What was wrong: a chain with a gap\. /,
    );
  });

  it('repeats no more than the schema of a denial holds', () => {
    const long = '\u00e9'.repeat(7_000);
    const { item, caveat, hint } = toRefusal(
      new TrustError('SCOPE_MISMATCH', 'x', { item: long, caveat: long, hint: `a${long}` }),
    );
    expect(utf8Length(item ?? '')).toBeLessThanOrEqual('write '.length + MAX_ITEM_SCOPE);
    expect(utf8Length(caveat ?? '')).toBeLessThanOrEqual(2048);
    expect(utf8Length(hint)).toBeLessThanOrEqual(1024);
    expect(hint).not.toContain('\uFFFD');
  });

  it('names the longest item whole (DEC-1)', () => {
    const scope = 'tool:fs/method:read/resource:/';
    const item = `write ${scope}${'a'.repeat(MAX_ITEM_SCOPE - scope.length)}`;
    expect(toRefusal(new TrustError('SCOPE_MISMATCH', 'x', { item })).item).toBe(item);
  });
});
