import { describe, expect, it } from 'vitest';
import { createDenialGate } from './denials.js';

const limits = { perSource: 3, perKind: 10, sources: 8 };

function openGate() {
  const clock = { now: Date.parse('2026-11-23T10:00:30.000Z') };
  const gate = createDenialGate(
    limits,
    () => clock.now,
    (text) => `<${text}>`,
  );
  return { gate, clock };
}

describe('denial gate', () => {
  it('lets a source through up to its rate, again in the next minute', () => {
    const { gate, clock } = openGate();
    const tries = () => [1, 2, 3, 4].map(() => gate.admits({ address: '192.0.2.1' }));
    expect(tries()).toEqual([true, true, true, false]);
    clock.now += 60_000;
    expect(tries()).toEqual([true, true, true, false]);
  });

  it('sums up by source, code and minute, once the minute is over', () => {
    const { gate, clock } = openGate();
    gate.count({ address: '192.0.2.1' }, 'EXPIRED', null);
    gate.count({ address: '192.0.2.1' }, 'EXPIRED', null);
    gate.count({ address: '192.0.2.1' }, 'REVOKED', null);
    gate.count({ subject: 'did:key:a' }, 'REVOKED', { sub: 'did:key:a' });
    expect(gate.summaries()).toEqual([]);
    clock.now += 60_000;
    const minute = '2026-11-23T10:00:00.000Z';
    expect(gate.summaries()).toEqual([
      { part: 1, principal: null, members: { source: '<192.0.2.1>', code: 'EXPIRED', minute, count: 2 } },
      { part: 1, principal: null, members: { source: '<192.0.2.1>', code: 'REVOKED', minute, count: 1 } },
      {
        part: 2,
        principal: { sub: 'did:key:a' },
        members: { source: '<did:key:a>', code: 'REVOKED', minute, count: 1 },
      },
    ]);
    expect(gate.summaries(true)).toEqual([]);
  });

  it('sums up a minute that the clock goes back to apart, and one that it went back from at once', () => {
    const { gate, clock } = openGate();
    const count = () => gate.count({ address: '192.0.2.1' }, 'EXPIRED', null);
    const taken = () => gate.summaries().map(({ part, members }) => [part, members.minute, members.count]);
    const [minute, next] = ['2026-11-23T10:00:00.000Z', '2026-11-23T10:01:00.000Z'];
    count();
    clock.now += 60_000;
    expect(taken()).toEqual([[1, minute, 1]]);
    count();
    clock.now -= 60_000;
    count();
    expect(taken()).toEqual([[2, next, 1]]);
    clock.now += 60_000;
    expect(taken()).toEqual([[3, minute, 1]]);
  });

  it('tells what was counted in the minute that is under way, once for each change', () => {
    const { gate, clock } = openGate();
    const minute = '2026-11-23T10:00:00.000Z';
    const told = (count: number) => ({
      part: 1,
      principal: null,
      members: { source: '<192.0.2.1>', code: 'EXPIRED', minute, count },
    });
    gate.count({ address: '192.0.2.1' }, 'EXPIRED', null);
    expect(gate.underWay()).toEqual([told(1)]);
    expect(gate.underWay()).toEqual([]);
    gate.count({ address: '192.0.2.1' }, 'EXPIRED', null);
    expect(gate.underWay()).toEqual([told(2)]);
    clock.now += 60_000;
    expect(gate.summaries()).toEqual([told(2)]);
    expect(gate.underWay()).toEqual([]);
  });

  it('holds a bounded number of sources, and loses no count, when each denial has its own address', () => {
    const { gate } = openGate();
    let recorded = 0;
    for (let i = 0; i < 10_000; i += 1) {
      const source = { address: `2001:db8::${i.toString(16)}` };
      if (gate.admits(source)) recorded += 1;
      else gate.count(source, 'MALFORMED', null);
    }
    const summaries = gate.summaries(true);
    expect(recorded).toBeLessThanOrEqual(limits.perKind);
    expect(summaries.length).toBeLessThanOrEqual(limits.sources + 1);
    expect(recorded + summaries.reduce((sum, { members }) => sum + members.count, 0)).toBe(10_000);
  });

  it('keeps room for subjects while addresses flood, and for addresses while subjects do', () => {
    const { gate } = openGate();
    const roomy = createDenialGate({ ...limits, sources: 100 }, () => 0, String);
    for (let i = 0; i < 50; i += 1) roomy.admits({ address: `192.0.2.${i}` });
    expect(roomy.admits({ address: '198.51.100.1' })).toBe(false);
    expect(roomy.admits({ subject: 'did:key:a' })).toBe(true);
    for (let i = 0; i < 50; i += 1) gate.admits({ subject: `did:key:${i}` });
    expect(gate.admits({ subject: 'did:key:z' })).toBe(false);
  });
});
