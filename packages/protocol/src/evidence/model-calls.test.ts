import type { Cost, Grant, ModelRates, ModelUsage } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { itemsOfModelCall } from '../capability/items.js';
import { modelCost } from '../capability/model-cost.js';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { isTrustError } from '../error.js';
import type { BundleReport } from './bundle-report.js';
import { createMatcher } from './selection.js';
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
  trustFile,
  worker,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';
import { createWrites } from './writes.js';

const MODEL = 'llm:openai/model:gpt-4o';
const grants: Grant[] = [{ scope: MODEL, ops: ['write'] }];
const chain = makeChain({ root: { grants }, grants });
const RATES: ModelRates = { currency: 'USD', input: 1_000_000, output: 10_000_000 };
const usd = (amount: number): Cost => ({ amount, currency: 'USD' });
const trust = parseTrustFile(
  trustFile({
    anchors: [{ iss: organisation.did, tenant: 'default', grants: [{ scope: 'llm:*', ops: ['write'] }] }],
  }),
  crypto,
);

const allTools = parseTrustFile(trustFile(), crypto);

/** What the verifier says of calls: `check: reason`, or what they cost. */
function say(...calls: readonly (readonly Draft[])[]): string {
  const drafts = [chainEvent(chain), sessionEvent(chain), ...calls.flat()];
  return refusalOr(() => verifyBundle(exportBundle(sequence(drafts)), trust, crypto));
}

function refusalOr(verify: () => BundleReport): string {
  try {
    const { costs } = verify();
    return costs.map(({ spent, currency }) => `${spent} ${currency}`).join(', ') || 'free';
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
    return `${error.data.caveat}: ${error.data.reason}`;
  }
}

interface Outcome {
  readonly cost?: Cost;
  readonly excess?: Cost;
  readonly usage?: ModelUsage;
  readonly rates?: ModelRates;
}

const ACTION = { method: 'chat/completions', provider: 'openai', model: 'gpt-4o', op: 'write' };

/** An allowed call of a model and its outcome. */
function call(outcome: Outcome, change: { held?: Cost; members?: object; items?: unknown } = {}): Draft[] {
  const id = nextId('evt');
  const { held = usd(100), items = [{ scope: MODEL, op: 'write' }] } = change;
  const decision = decisionEvent(chain, {
    items,
    members: { surface: 'llm', action: ACTION, pin: null, held, ...change.members },
  });
  const members = {
    request: decision.members['request'],
    decision: id,
    status: 'completed',
    response_hash: null,
    ...outcome,
  };
  return [
    { ...decision, forge: { id } },
    { type: 'outcome', sub: worker.did, members },
  ];
}

const USAGE = { input: 12, output: 3 };

describe('a call of a model (AUD-126)', () => {
  it('is proven by its chain, and costs what follows from its tokens', () => {
    expect(say(call({ usage: USAGE, rates: RATES, cost: usd(42) }))).toBe('42 USD');
    expect(say(call({ usage: USAGE }, { held: usd(1) }))).toBe('0 USD');
    expect(say(call({ usage: { input: 0, output: 0 }, rates: RATES }))).toBe('0 USD');
  });

  it('may come to more than was held, which then is booked to the full and the rest beside it', () => {
    const beyond = { usage: USAGE, rates: RATES, cost: usd(40), excess: usd(2) };
    expect(say(call(beyond, { held: usd(40) }))).toBe('42 USD');
    expect(say(call(beyond, { held: usd(41) }))).toMatch(/^cost: .*not booked as high/);
  });

  it.each<[string, Outcome]>([
    ['less', { usage: USAGE, rates: RATES, cost: usd(41) }],
    ['more', { usage: USAGE, rates: RATES, cost: usd(43) }],
    ['nothing', { usage: USAGE, rates: RATES }],
    ['other money', { usage: USAGE, rates: { ...RATES, currency: 'EUR' }, cost: usd(42) }],
    [
      'other money beyond',
      { usage: USAGE, rates: RATES, cost: usd(41), excess: { amount: 1, currency: 'EUR' } },
    ],
    [
      'more from a cache than was read',
      { usage: { input: 1, output: 0, cache_read: 2 }, rates: RATES, cost: usd(1) },
    ],
    ['rates without tokens', { rates: RATES, cost: usd(42) }],
    ['an excess without rates', { usage: USAGE, cost: usd(100), excess: usd(1) }],
    ['a cost of tokens without rates', { usage: USAGE, cost: usd(42) }],
    ['a cost without tokens', { cost: usd(100) }],
  ])('is not proven if it says %s', (_, outcome) => {
    expect(say(call(outcome))).toMatch(/^cost: /);
  });

  it('is what alone has tokens: a tool comes to no more than its price, which its pin covers', () => {
    const tools: Grant[] = [{ scope: 'tool:fs/method:*/resource:/docs', ops: ['read'] }];
    const holder = makeChain({ root: { grants: tools }, grants: tools });
    const decision = decisionEvent(holder, { members: { held: usd(40) } });
    const told = (outcome: Outcome): string => {
      const id = nextId('evt');
      const { request } = decision.members as { request: string };
      const members = { request, decision: id, status: 'completed', response_hash: null, ...outcome };
      const drafts: Draft[] = [
        chainEvent(holder),
        sessionEvent(holder),
        { ...decision, forge: { id } },
        { type: 'outcome', sub: worker.did, members },
      ];
      return refusalOr(() => verifyBundle(exportBundle(sequence(drafts)), allTools, crypto));
    };
    expect(told({ cost: usd(40) })).toBe('40 USD');
    for (const tokens of [
      { usage: USAGE, rates: RATES, cost: usd(40), excess: usd(2) },
      { usage: USAGE, rates: RATES, excess: usd(42) },
      { usage: USAGE },
    ])
      expect(told(tokens)).toBe('cost: entry 3: a call of a tool has the tokens of a model');
  });

  it.each<[string, { members?: object; items?: unknown }]>([
    ['has a pin, which models have not', { members: { pin: 'ab'.repeat(32) } }],
    ['names no items', { members: { items: null }, items: null }],
    ['has items of another model', { items: [{ scope: 'llm:openai/model:other', op: 'write' }] }],
    ['has items of a tool', { items: [{ scope: 'tool:openai/method:gpt-4o', op: 'write' }] }],
    ['names a tool as well', { members: { action: { ...ACTION, server: 'files', tool: 'read' } } }],
    ['names no model', { members: { action: { method: 'chat/completions', op: 'write' } } }],
    ['was no grant of', { items: [{ scope: MODEL, op: 'read' }] }],
    [
      'is of another model than was granted',
      { members: { action: { ...ACTION, model: 'other' } }, items: null },
    ],
    ['has an op that was not granted', { members: { action: { ...ACTION, op: 'read' } }, items: null }],
    ['has another op than was granted', { members: { action: { ...ACTION, op: 'read' } } }],
  ])('is not proven if it %s', (_, change) => {
    expect(say(call({ usage: USAGE, rates: RATES, cost: usd(42) }, change))).toMatch(/^decision/);
  });

  it('that did not come to an answer may cost what it held', () => {
    const [decision, outcome] = call({ cost: usd(100) });
    for (const status of ['failed', 'cancelled', 'revoked_during', 'lost'])
      expect(
        say([decision as Draft, { ...outcome, members: { ...outcome?.members, status } } as Draft]),
      ).toBe('100 USD');
  });

  it('is held against the grants by its model, also if its items are not disclosed', () => {
    expect(say(call({ usage: USAGE, rates: RATES, cost: usd(42) }, { items: null }))).toBe('42 USD');
  });

  it('brings hosted tools as features of its model', () => {
    const named = { provider: 'openai', model: 'gpt-4o', features: ['web', 'web'] };
    const items = itemsOfModelCall({ ...named, op: 'write' });
    expect(items).toEqual([
      { scope: MODEL, op: 'write' },
      { scope: `${MODEL}/feature:web`, op: 'write' },
    ]);
    expect(itemsOfModelCall({ ...named, op: 'read' }).map(({ op }) => op)).toEqual(['read', 'read']);
    expect(say(call({ usage: USAGE, rates: RATES, cost: usd(42) }, { items }))).toBe('42 USD');
    const many = Array.from({ length: 1024 }, (_, index) => `f${index}`);
    expect(() => itemsOfModelCall({ provider: 'p', model: 'm', features: many, op: 'write' })).toThrow(
      expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
    );
  });

  it('is selected like a tool, by its provider and its model', () => {
    const [decision] = sequence(call({}));
    const fits = (tools: string[]) => createMatcher({ tools }, () => []).fits(decision!.event);
    expect(fits(['openai'])).toBe(true);
    expect(fits(['openai/gpt-4o'])).toBe(true);
    expect(fits(['openai/other'])).toBe(false);
    const [bare] = sequence(call({}, { members: { action: { method: 'unread' } } }));
    expect(createMatcher({ tools: ['openai'] }, () => []).fits(bare!.event)).toBe(false);
  });

  it('is dispatched once under one rid, to one provider', () => {
    const credential = { rid: '01890000-0000-7000-8000-00000000000a' };
    const [one] = sequence([
      decisionEvent(chain, { credential, members: { surface: 'llm', action: ACTION } }),
    ]);
    const writes = createWrites();
    const event = one!.event as Parameters<typeof writes.dispatch>[0];
    writes.dispatch(event, event.id);
    writes.dispatch({ ...event, action: { ...event.action, provider: 'other' } }, event.id);
    // A member that says nothing of a model makes no other call of it.
    for (const action of [event.action, { ...event.action, server: 'another' }])
      expect(() => writes.dispatch({ ...event, action }, 'evt_other')).toThrow(
        expect.objectContaining({ code: 'PROOF_NOT_PROVEN' }),
      );
  });
});

describe('the price of tokens (AUD-126)', () => {
  it('is exact, and rounded up once', () => {
    const rates = { input: 150_000, output: 600_000, cache_read: 75_000, cache_write: 187_500 };
    expect(modelCost({ input: 1, output: 0 }, rates)).toBe(1);
    expect(modelCost({ input: 0, output: 0 }, rates)).toBe(0);
    expect(modelCost({ input: 1_000_000, output: 1_000_000 }, rates)).toBe(750_000);
    expect(modelCost({ input: 30, output: 0, cache_read: 10, cache_write: 10 }, rates)).toBe(5);
    expect(modelCost({ input: 30, output: 0, cache_read: 30 }, { input: 1_000_000, output: 0 })).toBe(30);
  });

  it.each<[string, ModelUsage, number]>([
    ['more from a cache than was read', { input: 1, output: 0, cache_read: 1, cache_write: 1 }, 1],
    ['more than JSON counts', { input: Number.MAX_SAFE_INTEGER, output: 0 }, 2_000_000],
  ])('is none of %s', (_, usage, input) => {
    expect(() => modelCost(usage, { input, output: 0 })).toThrow(
      expect.objectContaining({ code: 'MALFORMED' }),
    );
  });
});
