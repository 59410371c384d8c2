import type { Cost, DecisionEvent, OutcomeEvent } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import type { BundleReport } from './bundle-report.js';
import { invoiceOf } from './invoice.js';

const RATES = { currency: 'USD', input: 1_000_000, output: 10_000_000 };
const usd = (amount: number): Cost => ({ amount, currency: 'USD' });

interface Made {
  readonly action?: object;
  readonly held?: Cost;
  readonly outcome?: Partial<OutcomeEvent>;
  readonly asked?: boolean;
  readonly effect?: 'allow' | 'deny';
  readonly sub?: string;
}

function call({
  action = { provider: 'p', model: 'm' },
  held,
  outcome,
  asked = true,
  effect = 'allow',
  sub = 'did:a',
}: Made) {
  const event = { action, effect, principal: { sub }, ...(held && { held }) } as unknown as DecisionEvent;
  return {
    event,
    asked,
    ...(outcome && { outcome: outcome as OutcomeEvent }),
  } as BundleReport['calls'][number];
}

const invoice = (calls: readonly Made[], by: 'target' | 'agent' = 'target') =>
  invoiceOf({ calls: calls.map(call) }, by);

// AUD-126
describe('an invoice', () => {
  it('is computed from tokens and rates, not from what is booked', () => {
    const outcome = { usage: { input: 12, output: 3 }, rates: RATES, cost: usd(1) };
    expect(
      invoice([
        { held: usd(100), outcome },
        { held: usd(100), outcome },
      ]),
    ).toEqual([
      {
        of: 'p/m',
        currency: 'USD',
        calls: 2,
        input: '24',
        output: '6',
        cost: '84',
        excess: '0',
        estimated: 0,
        unpriced: 0,
        open: 0,
        held: '0',
      },
    ]);
  });

  it('says what was counted beyond what was held, estimated, without a price, or is open', () => {
    const [line, free] = invoice([
      { held: usd(10), outcome: { usage: { input: 12, output: 3, estimated: true }, rates: RATES } },
      { held: usd(7) },
      { outcome: { usage: { input: 5, output: 5 } } },
      { outcome: { usage: { input: 0, output: 0 } } },
    ]);
    expect(line).toMatchObject({ cost: '10', excess: '32', estimated: 1, open: 1, held: '7', calls: 2 });
    expect(free).toMatchObject({ cost: '0', unpriced: 1, calls: 2 });
    expect(free).not.toHaveProperty('currency');
  });

  it('counts what held nothing and cost nothing', () => {
    const free = { ...RATES, input: 0, output: 0 };
    const lines = invoice([
      { action: { server: 'b', tool: 't' }, outcome: {} },
      { action: { server: 'a', tool: 't' }, outcome: {} },
      { action: { server: 'a', tool: 't' } },
      { action: { server: 'c', tool: 't' }, outcome: { usage: { input: 5, output: 1 }, rates: free } },
    ]);
    expect(lines.map(({ of, calls, open, cost, held }) => [of, calls, open, cost, held])).toEqual([
      ['a/t', 2, 1, '0', '0'],
      ['b/t', 1, 0, '0', '0'],
      ['c/t', 1, 0, '0', '0'],
    ]);
  });

  it('has tools beside models, and each currency apart, the dearest first', () => {
    const priced = (amount: number, currency: string, tool: string) => ({
      action: { server: 's', tool },
      held: { amount, currency },
      outcome: { cost: { amount, currency } },
    });
    const lines = invoice([
      priced(5, 'EUR', 'a'),
      priced(7, 'EUR', 'b'),
      priced(6, 'USD', 'a'),
      priced(5, 'EUR', 'aa'),
    ]);
    expect(lines.map(({ of, currency, cost }) => [of, currency, cost])).toEqual([
      ['s/b', 'EUR', '7'],
      ['s/a', 'USD', '6'],
      ['s/a', 'EUR', '5'],
      ['s/aa', 'EUR', '5'],
    ]);
  });

  it('has a line for each agent if that is asked for, and leaves out what was refused or not asked for', () => {
    const outcome = { cost: usd(5) };
    const lines = invoice(
      [
        { sub: 'did:a', outcome, held: usd(5) },
        { sub: 'did:b', outcome, held: usd(5) },
        { sub: 'did:b', outcome, held: usd(5), asked: false },
        { sub: 'did:c', effect: 'deny' },
      ],
      'agent',
    );
    expect(lines.map(({ of, calls }) => [of, calls])).toEqual([
      ['did:a', 1],
      ['did:b', 1],
    ]);
    expect(invoice([{ action: { provider: 'p' }, outcome }])[0]?.of).toBe('p');
    const nobody = invoiceOf(
      { calls: [{ ...call({ outcome }), event: { ...call({}).event, principal: null } }] },
      'agent',
    );
    expect(nobody[0]?.of).toBe('');
  });
});
