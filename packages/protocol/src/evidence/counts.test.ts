import type { AuditEvent, EventOf } from '@talosprotocol/contracts';
import fc from 'fast-check';
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

/** Only that is looked at. */
const booked = (sub: string | undefined): AuditEvent =>
  ({ type: 'decision', principal: sub === undefined ? null : { sub, pseq: 1 } }) as unknown as AuditEvent;
const targeted = (did: string): AuditEvent =>
  ({ type: 'identity.deactivated', principal: null, did }) as unknown as AuditEvent;

const NAMES = ['did:key:zA', 'did:key:zB', 'did:key:zC'];
const AMOUNTS = Array.from({ length: 62 }, (_, i) => i);

interface Read {
  readonly size: number;
  readonly index: number;
  readonly subjects: readonly (string | undefined)[];
}

/** Of each name the amounts that are not said to be false. */
function passingOf(counts: Counts, { size, index, subjects }: Read): number[][] {
  const lastOf = (sub: string): number => subjects.filter((one) => one === sub).length;
  return NAMES.flatMap((name) => [
    AMOUNTS.filter((pseq) => isFine(counts, { size, agents: [{ sub: name, pseq }], endings: [] })),
    AMOUNTS.filter((count) => isFine(counts, { size, agents: [], endings: [{ target: name, count }] })),
  ]);
  function isFine(known: Counts, members: object): boolean {
    const event = { type: 'log.counted', ...members } as unknown as EventOf<'log.counted'>;
    return known.faultOf(event, index, lastOf) === undefined;
  }
}

/** The same from a plain recount. */
function recounted({
  size,
  index,
  window,
  subjects,
  targets,
}: Read & { readonly window: number; readonly targets: readonly (string | undefined)[] }): number[][] {
  const begin = Math.max(size, index - window);
  return NAMES.flatMap((name) =>
    [subjects, targets].map((names) => {
      const most = names.slice(0, begin).filter((one) => one === name).length;
      return AMOUNTS.filter((amount) => amount <= most && amount >= most - (begin - size));
    }),
  );
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

  it('that deny an ending are found false however many were ended before, or after as few as are remembered', () => {
    const counts = createCounts({ window: 4, mostTargets: 2 }, countsFrom(0));
    const dids = [1, 2, 3, 4].map((n) => `did:key:z${n}`);
    const says = (did: string, count: number): string | undefined =>
      counts.faultOf(counted(index, { endings: [{ target: did, count }] }), index, () => 0);
    let index = 0;
    const end = (did = ''): void => counts.take(targeted(did), index++);
    for (const did of dids) end(did);
    const [first = '', , third = '', last = ''] = dids;
    expect([says(third, 0), says(last, 0)]).toEqual([expect.any(String), expect.any(String)]);
    // What was forgotten may have been ended more often than is known.
    expect([says(first, 0), says(first, 1), says(last, 1), says(last, 2)]).toEqual(Array(4).fill(undefined));
    // Whoever is ended again is the last.
    end(third);
    end(first);
    expect([says(third, 1), says(first, 0)]).toEqual([expect.any(String), expect.any(String)]);
    expect([says(third, 2), says(last, 0)]).toEqual([undefined, undefined]);
  });

  it('are held against the same numbers as if all that is remembered were counted again for each', () => {
    const name = fc.constantFrom(...NAMES);
    const step = fc.oneof(
      fc.record({ subject: name }),
      fc.record({ target: name }),
      fc.constantFrom('nobody' as const, 'unreadable' as const, 'restart' as const, 'count' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (steps, window) => {
        const options = { window, mostTargets: 100 };
        let counts = createCounts(options, countsFrom(0));
        const [subjects, targets]: [(string | undefined)[], (string | undefined)[]] = [[], []];
        for (const one of steps) {
          const index = subjects.length;
          const subject = typeof one === 'object' && 'subject' in one ? one.subject : undefined;
          const target = typeof one === 'object' && 'target' in one ? one.target : undefined;
          if (one === 'restart') counts = createCounts(options, JSON.parse(JSON.stringify(counts.state())));
          else if (one === 'count') {
            for (const size of [0, index >> 1, Math.max(0, index - window), index])
              expect(passingOf(counts, { size, index, subjects })).toEqual(
                recounted({ size, index, window, subjects, targets }),
              );
          } else {
            const event = target === undefined ? booked(subject) : targeted(target);
            if (one !== 'unreadable') counts.take(event, index);
            subjects.push(subject);
            targets.push(target);
          }
        }
      }),
    );
  });

  it('cost no walk over what is remembered', () => {
    const window = 1_048_576;
    const counts = createCounts({ window, mostTargets: 10 }, countsFrom(0));
    const event = booked('did:key:zA');
    for (let index = 0; index < window; index += 1) counts.take(event, index);
    const lie = counted(0, { agents: [{ sub: 'did:key:zA', pseq: 9_000 }] });
    // A walk for each would take minutes.
    for (let index = window; index < window + 5_000; index += 1) {
      expect(counts.faultOf(lie, index, () => index)).toContain('9000 events of did:key:zA');
      counts.take(event, index);
    }
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
