import type { Account, BundleReport } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { bundleResult } from './rows.js';

/** What the page shows as called, of an action. */
function shownOf(action: object): string | undefined {
  const event = { action, credential: { kind: 'session' }, principal: null, effect: 'allow', code: null };
  const calls = [{ index: 1, event, values: new Map(), outcome: undefined, asked: true }];
  const report = { calls, chains: new Map(), counts: { summed: 0 } } as unknown as BundleReport;
  return bundleResult(report, {} as Account).calls[0]?.action;
}

/** What the page shows as asked for, of what a refusal discloses as its items. */
const itemsOf = (items: unknown): readonly string[] | undefined => rowOf(items)?.items;

function rowOf(items: unknown) {
  const event = { action: { method: 'm' }, credential: {}, principal: null, effect: 'deny', code: 'EXPIRED' };
  const calls = [{ index: 1, event, values: new Map([['/items', items]]), outcome: undefined, asked: true }];
  const report = { calls, chains: new Map(), counts: { summed: 0 } } as unknown as BundleReport;
  return bundleResult(report, {} as Account).calls[0];
}

// AUD-64, AUD-6
describe('what a refused call asked for, on the page', () => {
  it('is whatever was committed to: no value keeps the rest from being shown', () => {
    expect(itemsOf([{ scope: 'tool:a/b', op: 'read' }])).toEqual(['read tool:a/b']);
    const odd = { toString: 1, valueOf: 1 };
    expect(itemsOf([{ scope: odd, op: null }, odd, null, 7])).toEqual([
      'null {"toString":1,"valueOf":1}',
      ' ',
      ' ',
      ' ',
    ]);
    expect(itemsOf(odd)).toEqual([]);
  });

  it('is said to be more where it is not all shown', () => {
    const items = Array.from({ length: 1_024 }, (_, i) => ({ scope: `tool:a/b/resource:/${i}`, op: 'read' }));
    expect(rowOf(items)).toMatchObject({ moreItems: 960, items: { length: 64 } });
    expect(rowOf(items.slice(0, 64))).toMatchObject({ moreItems: 0, items: { length: 64 } });
  });
});

// AUD-64
describe('a call on the page', () => {
  it('is named by its tool or its model, and else by its method', () => {
    expect(shownOf({ method: 'tools/call', server: 'files', tool: 'read' })).toBe('files/read');
    expect(shownOf({ method: 'chat/completions', provider: 'openai', model: 'gpt-4o' })).toBe(
      'openai/gpt-4o',
    );
    expect(shownOf({ method: 'tools/list', server: 'files' })).toBe('files/tools/list');
    expect(shownOf({ method: 'unread' })).toBe('unread');
  });
});
