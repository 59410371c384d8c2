import type { AuditEvent, EventOf } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { type Counts, type CountsState, countsFrom, createCounts } from './counts.js';
import { agent, type Draft, decisionEvent, sequence, worker } from './testing/ledger.js';

const denied = (sub: string): Draft =>
  decisionEvent(undefined, {
    sub,
    members: { credential: { kind: 'none' }, effect: 'deny', code: 'REVOKED' },
  });
const ended = (did: string): Draft => ({
  type: 'identity.deactivated',
  sub: null,
  members: { did, by: 'administrator', statement: null },
});
const counted = (size: number, members: object): EventOf<'log.counted'> => {
  const [one] = sequence([
    { type: 'log.counted', sub: null, members: { size, agents: [], endings: [], ...members } },
  ]);
  return one?.event as EventOf<'log.counted'>;
};
const ofWorker = (size: number, pseq: number) => counted(size, { agents: [{ sub: worker.did, pseq }] });
const ofEnd = (size: number, count: number) => counted(size, { endings: [{ target: agent.did, count }] });

const events = sequence([
  denied(worker.did),
  ended(agent.did),
  denied(agent.did),
  denied(worker.did),
  ended(agent.did),
  denied(worker.did),
]).map(({ event }) => event);

/** Reads the events from an index on; `says` then holds a count that comes next against them. */
function read(
  from: number,
  options = { window: 100, mostTargets: 10 },
): { counts: Counts; says: (event: EventOf<'log.counted'>, index?: number) => string | undefined } {
  const counts = createCounts(options, countsFrom(from));
  const last = new Map<string, number>();
  events.forEach((event: AuditEvent, index) => {
    if (index < from) return;
    counts.take(event, index);
    if (event.principal !== null) last.set(event.principal.sub, event.principal.pseq);
  });
  const lastOf = (sub: string) => last.get(sub) ?? (from === 0 ? 0 : undefined);
  return { counts, says: (event, index = events.length) => counts.faultOf(event, index, lastOf) };
}

/** The counts of those that were asked that are not said to be false. */
const passing = (says: (count: number) => string | undefined): number[] =>
  [0, 1, 2, 3, 4, 5, 6, 7].filter((count) => says(count) === undefined);

describe("a log's own counts (AUD-55)", () => {
  it('are exactly what was read from the beginning, before any place', () => {
    const { says } = read(0);
    for (const [size, number, endings] of [
      [6, 3, 2],
      [5, 2, 2],
      [4, 2, 1],
      [1, 1, 0],
      [0, 0, 0],
    ] as const) {
      expect(passing((pseq) => says(ofWorker(size, pseq)))).toEqual([number]);
      expect(passing((count) => says(ofEnd(size, count)))).toEqual([endings]);
    }
    expect(says(counted(6, { agents: [{ sub: 'did:key:zNobody', pseq: 0 }] }))).toBeUndefined();
    expect(says(ofWorker(6, 2))).toBe(
      `it says that there were 2 events of ${worker.did} before entry 6, and there were not`,
    );
    expect(says(ofEnd(6, 1))).toContain(`1 events that end ${agent.did} before entry 6`);
    expect(says(ofWorker(7, 3))).toBe('it counts events that come after');
  });

  it('are bounded by what was read from the middle on', () => {
    const { says } = read(3);
    expect(passing((pseq) => says(ofWorker(6, pseq)))).toEqual([3]);
    expect(passing((pseq) => says(ofWorker(3, pseq)))).toEqual([1]);
    // Whose entry 2 is, is not known.
    expect(passing((pseq) => says(ofWorker(2, pseq)))).toEqual([0, 1]);
    expect(passing((count) => says(ofEnd(6, count)))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(passing((count) => says(ofEnd(4, count)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    // Nobody knows the number of who was not seen.
    expect(says(counted(6, { agents: [{ sub: agent.did, pseq: 700 }] }))).toBeUndefined();
  });

  it('of long before are bounded by what is remembered', () => {
    const { says } = read(0, { window: 2, mostTargets: 10 });
    expect(passing((pseq) => says(ofWorker(6, pseq)))).toEqual([3]);
    expect(passing((pseq) => says(ofWorker(4, pseq)))).toEqual([2]);
    expect(passing((pseq) => says(ofWorker(3, pseq)))).toEqual([1, 2]);
    expect(passing((count) => says(ofEnd(3, count)))).toEqual([0, 1]);
    // An entry that could not be read is nobody's.
    expect(passing((pseq) => says(ofWorker(6, pseq), 7))).toEqual([3]);
  });

  it('of more targets than are remembered are no less than what was read', () => {
    const { counts, says } = read(0, { window: 100, mostTargets: 0 });
    expect(counts.state()).toMatchObject({ isWhole: false, endings: [] });
    expect(says(ofEnd(6, 7))).toBeUndefined();
  });

  it('are checked as well from what was kept', () => {
    const { counts } = read(0);
    const kept = JSON.parse(JSON.stringify(counts.state())) as CountsState;
    expect(kept).toEqual({
      from: 0,
      isWhole: true,
      endings: [[agent.did, 2]],
      subjects: [
        [worker.did, [0, 3, 5]],
        [agent.did, [2]],
      ],
      targets: [[agent.did, [1, 4]]],
    });
    const again = createCounts({ window: 100, mostTargets: 10 }, kept);
    expect(again.state()).toEqual(kept);
    expect(passing((pseq) => again.faultOf(ofWorker(4, pseq), 6, () => 3))).toEqual([2]);
  });
});
