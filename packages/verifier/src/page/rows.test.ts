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
