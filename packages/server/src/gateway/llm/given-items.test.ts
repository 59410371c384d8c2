import type { JsonObject } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGivenItems } from './given-items.js';

const ANA = { principal: 'ana', holder: 'agent', provider: 'openai' };
const BEN = { ...ANA, principal: 'ben' };
const item = (id: string, text = 'x'): JsonObject => ({ type: 'message', id, text });
const HOUR = 3_600_000;

function items(bounds?: Parameters<typeof createGivenItems>[1]) {
  const clock = { now: 1 };
  return { clock, given: createGivenItems(() => clock.now, bounds) };
}

// LLM-36
describe('items that were given', () => {
  it('are found by whom they were given to, at the same provider, by their id', () => {
    const { given } = items();
    given.keep(ANA, [item('one'), item('two')]);
    expect(given.find(ANA, 'one')).toEqual({
      item: item('one'),
      size: JSON.stringify(item('one')).length,
    });
    expect(given.has(ANA, 'two')).toBe(true);
    for (const [owner, id] of [
      [BEN, 'one'],
      [{ ...ANA, provider: 'other' }, 'one'],
      [ANA, 'three'],
      [ANA, ''],
      [{ ...ANA, principal: '' }, 'one'],
      [{ ...ANA, holder: 'sub-agent' }, 'one'],
      [{ ...ANA, provider: 'openai","one' }, ''],
      [{ ...ANA, holder: 'agent","openai', provider: 'one' }, ''],
    ] as const) {
      expect(given.find(owner, id)).toBeUndefined();
      expect(given.has(owner, id)).toBe(false);
    }
  });

  it('are each their own where two have the same id, and the later one of one owner', () => {
    const { given } = items();
    given.keep(ANA, [item('msg_1', 'hers')]);
    given.keep(BEN, [item('msg_1', 'his')]);
    expect(given.find(ANA, 'msg_1')?.item).toEqual(item('msg_1', 'hers'));
    given.keep(ANA, [item('msg_1', 'later')]);
    expect(given.find(ANA, 'msg_1')?.item).toEqual(item('msg_1', 'later'));
    expect(given.find(BEN, 'msg_1')?.item).toEqual(item('msg_1', 'his'));
  });

  it('are kept for an hour after they were used', () => {
    const { given, clock } = items();
    given.keep(ANA, [item('used'), item('left')]);
    clock.now += HOUR - 1;
    expect(given.find(ANA, 'used')?.item).toEqual(item('used'));
    clock.now += 2;
    expect([given.has(ANA, 'used'), given.has(ANA, 'left')]).toEqual([true, false]);
    expect([given.find(ANA, 'used'), given.find(ANA, 'left')]).toMatchObject([{}, undefined]);
    clock.now += HOUR + 1;
    expect(given.find(ANA, 'used')).toBeUndefined();
  });

  it('are not kept without an id or a type, with an endless id, or if one is too long; that leaves none of its id', () => {
    const { given } = items({ inAll: 1_000_000, ofOne: 1_000 });
    given.keep(ANA, [{ type: 'message' }, { id: 'x' }, { id: 7, type: 'message' }, item('i'.repeat(1_025))]);
    expect(given.has(ANA, 'x')).toBe(false);
    expect(given.has(ANA, 'i'.repeat(1_025))).toBe(false);
    given.keep(ANA, [item('big')]);
    given.keep(ANA, [item('big', 'x'.repeat(1_000))]);
    expect(given.has(ANA, 'big')).toBe(false);
  });

  it('are nothing that a client could not have sent', () => {
    const { given } = items();
    const deep = JSON.parse(`${'[{"a":'.repeat(60)}1${'}]'.repeat(60)}`);
    given.keep(ANA, [{ ...item('deep'), deep }, item('half', '\ud800')]);
    expect([given.find(ANA, 'deep'), given.find(ANA, 'half')]).toEqual([undefined, undefined]);
  });

  it('make room where all is full: whoever has most gives, the oldest first', () => {
    const { given } = items({ inAll: 40_000, ofOne: 2_000 });
    given.keep(BEN, [item('his')]);
    for (let n = 0; n < 1_000; n += 1) given.keep(ANA, [item(`${n}`, 'x'.repeat(500))]);
    expect(given.has(BEN, 'his')).toBe(true);
    expect([given.has(ANA, '0'), given.has(ANA, '999')]).toEqual([false, true]);
  });

  it('make room of what is too old before anybody loses what is not', () => {
    const { given, clock } = items({ inAll: 200_000, ofOne: 2_000 });
    for (let n = 0; n < 20; n += 1) given.keep({ ...ANA, principal: `p${n}` }, [item('x')]);
    clock.now += HOUR + 1;
    for (let n = 0; n < 150; n += 1) given.keep(ANA, [item(`${n}`, 'x'.repeat(500))]);
    expect(given.has(ANA, '0')).toBe(true);
  });

  it('never are more than they may be, and never somebody else’s', () => {
    const bounds = { inAll: 60_000, ofOne: 4_000 };
    const step = fc.record({
      principal: fc.nat(5),
      provider: fc.nat(1),
      id: fc.nat(12),
      length: fc.nat(5_000),
      wait: fc.nat(HOUR / 3),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { given, clock } = items(bounds);
        const last = new Map<string, string>();
        for (const [n, { principal, provider, id, length, wait }] of steps.entries()) {
          clock.now += wait;
          const owner = { principal: `${principal}`, holder: 'agent', provider: `${provider}` };
          const text = `${n}${'x'.repeat(length)}`;
          given.keep(owner, [item(`${id}`, text)]);
          last.set(JSON.stringify([owner.principal, owner.provider, `${id}`]), text);
        }
        let bytes = 0;
        for (let who = 0; who < 6; who += 1)
          for (let where = 0; where < 2; where += 1)
            for (let id = 0; id < 13; id += 1) {
              const found = given.find(
                { principal: `${who}`, holder: 'agent', provider: `${where}` },
                `${id}`,
              );
              if (found === undefined) continue;
              bytes += found.size;
              expect(found.item['text']).toBe(last.get(JSON.stringify([`${who}`, `${where}`, `${id}`])));
            }
        expect(bytes).toBeLessThanOrEqual(bounds.inAll);
      }),
    );
  });
});
