import { describe, expect, it } from 'vitest';
import { compileRates, demandsOf, type RatedCall } from './rules.js';

const CALL: RatedCall = {
  surface: 'llm',
  principal: 'acme',
  key: 'lid',
  address: '10.0.0.1',
  model: 'openai/gpt-4o-mini',
  tokens: 700,
};
const TOOL: RatedCall = { surface: 'mcp', principal: 'acme', key: 'lid', address: '10.0.0.1', tokens: 0 };
type Rules = Parameters<typeof compileRates>[0];
const demands = (rules: Rules, call = CALL) => demandsOf(compileRates(rules), call);
const kinds = (rules: Rules, call?: RatedCall) => demands(rules, call).map(({ kind }) => kind);
const all = { requests: { perMinute: 60, burst: 10 }, tokens: { perMinute: 1000 }, concurrent: 3 };

// LIM-1
describe('the rates of a policy', () => {
  it('take a request, what may be held of tokens, and a place', () => {
    expect(demands([{ per: 'principal', ...all }])).toMatchObject([
      { kind: 'requests', capacity: 10, perMinute: 60, amount: 1 },
      { kind: 'tokens', capacity: 1000, perMinute: 1000, amount: 700 },
      { kind: 'concurrent', capacity: 3, amount: 1 },
    ]);
    expect(kinds([{ per: 'principal', ...all }], TOOL)).toEqual(['requests', 'concurrent']);
  });

  it('count for each of whom they say', () => {
    const others: Record<string, Partial<RatedCall>> = {
      principal: { principal: 'other' },
      key: { key: 'other' },
      model: { model: 'openai/other' },
      address: { address: '10.0.0.2' },
      surface: { surface: 'mcp' },
    };
    for (const per of ['principal', 'key', 'model', 'address', 'surface'] as const) {
      const keyOf = (change: Partial<RatedCall>) =>
        demands([{ per, concurrent: 1 }], { ...CALL, ...change })[0]?.key;
      const changed = Object.entries(others).filter(([, change]) => keyOf(change) !== keyOf({}));
      expect(changed.map(([name]) => name)).toEqual([per]);
    }
    const v6 = (address: string) =>
      demands([{ per: 'address', concurrent: 1 }], { ...CALL, address })[0]?.key;
    expect(v6('2001:db8::1')).toBe(v6('2001:db8::2'));
  });

  it('count the calls of their surface and their models, and no others', () => {
    const one = (rule: Omit<Rules[number], 'per' | 'concurrent'>, call = CALL) =>
      kinds([{ per: 'principal', concurrent: 1, ...rule }], call).length;
    expect([one({ surface: 'llm' }), one({ surface: 'mcp' })]).toEqual([1, 0]);
    expect([one({ surface: 'llm' }, TOOL), one({ surface: 'mcp' }, TOOL)]).toEqual([0, 1]);
    const patterns = ['openai/gpt-4o-mini', 'openai/gpt-4o', 'openai/gpt*', 'anthropic/*', '*'];
    expect(patterns.map((model) => one({ model }))).toEqual([1, 0, 1, 0, 1]);
    expect(patterns.map((model) => one({ model }, TOOL))).toEqual([0, 0, 0, 0, 0]);
    expect(kinds([{ per: 'model', concurrent: 1 }], TOOL)).toEqual([]);
  });

  it('keep their counters over a reload that changes how much, and share none', () => {
    const key = (rule: Omit<Rules[number], 'per'>) => demands([{ per: 'key', ...rule }])[0]?.key;
    expect(key({ concurrent: 1 })).toBe(key({ concurrent: 9, onDown: 'allow' }));
    expect(key({ concurrent: 1 })).not.toBe(key({ concurrent: 1, surface: 'llm' }));
    expect(new Set(demands([{ per: 'key', ...all }]).map((demand) => demand.key)).size).toBe(3);
  });
});
