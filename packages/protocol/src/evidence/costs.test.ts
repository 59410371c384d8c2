import type { Cost, Limit, TrustFile } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { isTrustError } from '../error.js';
import {
  chainEvent,
  type Draft,
  decisionEvent,
  exportBundle,
  makeChain,
  nextId,
  organisation,
  sequence,
  sessionEvent,
  stranger,
  trustFile,
  worker,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';

function verify(drafts: readonly Draft[], from = 0, trust: Partial<TrustFile> = {}) {
  return verifyBundle(
    exportBundle(sequence(drafts), { from }),
    parseTrustFile(trustFile(trust), crypto),
    crypto,
  );
}

/** What the verifier says: `check: reason`, or `proven`. */
function say(drafts: readonly Draft[], from = 0, trust: Partial<TrustFile> = {}): string {
  try {
    verify(drafts, from, trust);
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
    return `${error.data.caveat}: ${error.data.reason?.replace(/^entry \d+: /, '')}`;
  }
  return 'proven';
}

const euro = (amount: number): Cost => ({ amount, currency: 'EUR' });
const dollar = (amount: number): Cost => ({ amount, currency: 'USD' });
const limited = (...limits: Limit[]) => makeChain({ leaf: { limits } });
const plain = makeChain();
const opening = (chain = plain): Draft[] => [chainEvent(chain), sessionEvent(chain)];

/** An allowed call and, if it is said what it came to, its outcome. */
function call(
  held: Cost | undefined,
  cost?: Cost | 'nothing',
  change: { chain?: typeof plain; status?: string } = {},
) {
  const id = nextId('evt');
  const decision = decisionEvent(change.chain ?? plain, held === undefined ? {} : { members: { held } });
  const allowed: Draft = { ...decision, forge: { id } };
  if (cost === undefined) return [allowed];
  const members = {
    request: decision.members['request'],
    decision: id,
    status: change.status ?? 'completed',
    response_hash: null,
    ...(cost === 'nothing' ? {} : { cost }),
  };
  return [allowed, { type: 'outcome', sub: worker.did, members } as Draft];
}

describe('what calls cost (AUD-85)', () => {
  it('is summed up by currency: what outcomes say, and what decisions without one hold', () => {
    const drafts = [
      ...opening(),
      ...call(euro(500), euro(500)),
      ...call(euro(500), euro(120)),
      ...call(euro(7)),
      ...call(dollar(3), 'nothing'),
      ...call(undefined, 'nothing'),
    ];
    expect(verify(drafts).costs).toEqual([
      { currency: 'EUR', spent: '620', held: '7' },
      { currency: 'USD', spent: '0', held: '0' },
    ]);
  });

  it('is summed up beyond what a number of JSON holds', () => {
    const most = euro(Number.MAX_SAFE_INTEGER);
    expect(verify([...opening(), ...call(most, most), ...call(most, most)]).costs).toEqual([
      { currency: 'EUR', spent: '18014398509481982', held: '0' },
    ]);
  });

  it('counts an outcome whose decision lies before the range', () => {
    const [decision, outcome] = call(euro(500), euro(400));
    expect(verify([...opening(), decision!, outcome!], 3).costs).toEqual([
      { currency: 'EUR', spent: '400', held: '0' },
    ]);
  });

  it.each([
    ['more than was held', euro(5), euro(6)],
    ['money of another currency', euro(5), dollar(5)],
    ['money where nothing was held', undefined, euro(1)],
  ])('is never %s', (_, held, cost) => {
    expect(say([...opening(), ...call(held, cost)])).toContain('cost: a call came to more');
  });

  it('is what was held where the outcome was lost', () => {
    const lost = { status: 'lost' };
    expect(say([...opening(), ...call(euro(5), euro(5), lost)])).toBe('proven');
    expect(say([...opening(), ...call(euro(5), euro(4), lost)])).toContain('cost: of a call');
    expect(say([...opening(), ...call(euro(5), 'nothing', lost)])).toContain('cost: of a call');
    expect(say([...opening(), ...call(undefined, 'nothing', lost)])).toBe('proven');
  });

  it('is nothing for a call that was denied', () => {
    const members = { effect: 'deny', code: 'SCOPE_MISMATCH', pin: null, held: euro(5) };
    expect(say([...opening(), decisionEvent(plain, { members })])).toContain('a denial that holds money');
  });
});

describe('limits of cost in all (AUD-22)', () => {
  const chain = limited({ per: 'total', cost: euro(10) });
  const of = (held: Cost, cost?: Cost | 'nothing') => call(held, cost, { chain });

  it('are kept by what is held and was spent', () => {
    const spent = [...opening(chain), ...of(euro(6), euro(2)), ...of(euro(6), euro(4))];
    expect(say([...spent, ...of(euro(4))])).toBe('proven');
    expect(say([...spent, ...of(euro(5))])).toContain(
      'limits: calls that cost 11 EUR micro-units were allowed though link 2 allows 10',
    );
  });

  it('count what is held until its outcome says less', () => {
    expect(say([...opening(chain), ...of(euro(6)), ...of(euro(6), euro(1))])).toContain(
      'calls that cost 12 EUR',
    );
    expect(say([...opening(chain), ...of(euro(6), 'nothing'), ...of(euro(10))])).toBe('proven');
  });

  it('count every link and the anchor, each currency by itself', () => {
    const both = limited({ per: 'total', cost: euro(10) }, { per: 'total', cost: dollar(1) });
    expect(say([...opening(both), ...call(euro(1), euro(1), { chain: both })])).toContain(
      'a call that costs EUR was allowed though link 2 limits USD',
    );
    const anchors = [
      {
        iss: organisation.did,
        tenant: 'default',
        grants: [{ scope: 'tool:*', ops: ['read' as const, 'write' as const] }],
        limits: [{ per: 'total' as const, cost: euro(3) }],
      },
    ];
    const calls = [...opening(), ...call(euro(2), euro(2)), ...call(euro(2))];
    expect(say(calls, 0, { anchors })).toContain(
      'calls that cost 4 EUR micro-units were allowed though link 0 allows 3',
    );
  });

  it('let in what costs nothing, and what they count by the day', () => {
    const daily = limited({ per: 'day', cost: euro(1) });
    expect(say([...opening(daily), ...call(euro(5), undefined, { chain: daily })])).toBe('proven');
    const dollars = limited({ per: 'total', cost: dollar(1) });
    expect(say([...opening(dollars), ...call(undefined, undefined, { chain: dollars })])).toBe('proven');
  });

  it('cannot be recounted without the start of the log', () => {
    const late = [chainEvent(makeChain()), ...opening(chain), ...of(euro(6)), ...of(euro(6))];
    expect(say(late, 1)).toBe('proven');
  });
});

describe('an outcome (AUD-1)', () => {
  it.each([
    ['another subject', { sub: stranger.did }],
    ['nobody', { sub: null }],
    ['another principal', { sub: worker.did, forge: { principal: { sub: worker.did, prn: 'x', pseq: 3 } } }],
  ])('is not booked on %s than its decision', (_, change) => {
    const [decision, outcome] = call(undefined, 'nothing');
    expect(say([...opening(), decision!, { ...outcome!, ...change }])).toContain('booked on another subject');
  });
});
