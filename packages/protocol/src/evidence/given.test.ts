import { describe, expect, it } from 'vitest';
import { TrustError } from '../error.js';
import { failedEvidence, findMisplaced, readBeside } from './given.js';
import { notProven } from './not-proven.js';

const file = (kind: 'bundle' | 'receipt' | 'trust' | 'unknown') => ({ name: `${kind}.json`, kind });

describe('files that are given to be verified (AUD-62)', () => {
  it('are told apart where one stands in the place of another', () => {
    expect(findMisplaced(file('bundle'), file('trust'))).toBeUndefined();
    expect(findMisplaced(file('unknown'), undefined)).toBeUndefined();
    const fault = 'trust.json is a trust file, and no evidence';
    expect(findMisplaced(file('trust'), undefined)).toEqual({ fault, isSwapped: false });
    expect(findMisplaced(file('trust'), file('receipt'))).toEqual({ fault, isSwapped: true });
    expect(findMisplaced(file('receipt'), file('bundle'))).toEqual({
      fault: 'bundle.json is a bundle, and no trust file',
      isSwapped: false,
    });
  });

  it('are named if they are none, and whatever refuses them they prove nothing', () => {
    const told = (error: Error) => failedEvidence('x.json', error);
    expect(told(new TrustError('MALFORMED', 'no receipt'))).toMatchObject({
      code: 'PROOF_NOT_PROVEN',
      data: { reason: 'x.json: no receipt (MALFORMED)' },
    });
    expect(told(notProven('bundle', 'no bundle'))).toMatchObject({ data: { reason: 'x.json: no bundle' } });
    expect(told(notProven('tree', 'no'))).toMatchObject({ data: { reason: 'no', caveat: 'tree' } });
    const fault = new RangeError('ours');
    expect(told(fault)).toBe(fault);
  });

  it('are named if they are beside the evidence, with what that means', () => {
    const parse = (error: Error) => () => {
      throw error;
    };
    expect(readBeside('t.json', 'trust', () => 7)).toBe(7);
    expect(() => readBeside('t.json', 'trust', parse(new TrustError('MALFORMED', 'no')))).toThrow(
      expect.objectContaining({
        code: 'MALFORMED',
        data: { reason: 't.json: no', caveat: 'trust', hint: expect.stringContaining('no whole trust file') },
      }),
    );
    expect(() => readBeside('k.json', 'kept', parse(new RangeError('ours')))).toThrow(RangeError);
  });
});
