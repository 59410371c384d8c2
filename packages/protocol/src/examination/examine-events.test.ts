import type { AuditEvent } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { eventBytes, eventHash } from '../evidence/event.js';
import {
  agent,
  chainEvent,
  type Draft,
  decisionEvent,
  gateway,
  makeChain,
  ORIGIN,
  sequence,
  sessionEvent,
  worker,
} from '../evidence/testing/ledger.js';
import { createEventExaminer } from './examine-events.js';
import type { LogFault } from './fault.js';

const opened = (size: number, boot: number, rest: Partial<Draft> = {}): Draft => ({
  type: 'log.opened',
  members: { boot, policy: 'ab'.repeat(32), size },
  sub: null,
  ...rest,
});
/** Of whom it is, the log alone knows. */
const call = (sub: string = worker.did, rest: Partial<Draft> = {}): Draft => ({
  type: 'denials',
  members: { source: 'ab'.repeat(16), code: 'EXPIRED', minute: '2026-09-21T14:13:00.000Z', count: 1 },
  sub,
  ...rest,
});

function examine(
  events: readonly (AuditEvent | Uint8Array)[],
  from = 0,
  known: { emitters?: ReadonlySet<string> } = {},
): LogFault[] {
  const faults: LogFault[] = [];
  const examiner = createEventExaminer({
    crypto,
    origin: ORIGIN,
    ...known,
    onFault: (fault) => void faults.push(fault),
  });
  events.forEach((event, i) => {
    const leaf = event instanceof Uint8Array ? event : eventBytes(event);
    const found = examiner.follow(from + i, leaf);
    if (!(event instanceof Uint8Array)) expect(found?.id).toBe(event.id);
  });
  return faults;
}

const events = (drafts: readonly Draft[]): AuditEvent[] => sequence(drafts).map(({ event }) => event);
const GOOD = events([opened(0, 1), call(), call(agent.did), call(), opened(4, 3), call()]);

// AUD-79
describe('events of a log', () => {
  it('that follow each other have no fault, also from where the log was pruned', () => {
    expect(examine(GOOD)).toEqual([]);
    for (let from = 1; from < GOOD.length; from += 1) expect(examine(GOOD.slice(from), from)).toEqual([]);
  });

  it('are of those that may record them, if it is said who may', () => {
    expect(examine(GOOD, 0, { emitters: new Set([gateway.did]) })).toEqual([]);
    const foreign = sequence([opened(0, 1), call()], agent.did).map(({ event }) => event);
    expect(examine(foreign)).toEqual([]);
    const what = `its emitter ${agent.did} is none that is trusted`;
    expect(examine(foreign, 0, { emitters: new Set([gateway.did]) })).toEqual([
      { where: 'event', index: 0, what },
      { where: 'event', index: 1, what },
    ]);
  });

  // AUD-111, AUD-115
  it('say what was pruned, each from where the one before ended', () => {
    const prune = (from: number, to: number): Draft => ({
      type: 'log.pruned',
      members: { of: 'age', from, to, before: '2026-01-01T00:00:00.000Z', size: to, root: 'ab'.repeat(32) },
      sub: null,
    });
    const before = Array.from({ length: 800 }, () => call());
    const told = (...drafts: Draft[]) => {
      const faults: string[] = [];
      const onFault = ({ what }: LogFault) => void faults.push(what);
      const examiner = createEventExaminer({ crypto, origin: ORIGIN, onFault });
      for (const [i, event] of events([...before, ...drafts]).entries())
        examiner.follow(i, eventBytes(event));
      return { faults, pruned: examiner.pruned };
    };
    expect(told(opened(800, 1))).toEqual({ faults: [], pruned: 0 });
    expect(told(prune(0, 256), prune(256, 512))).toEqual({ faults: [], pruned: 512 });
    const from = 'it prunes from 512 on, and the log was pruned up to';
    expect(told(prune(0, 256), prune(512, 768)).faults).toEqual([`${from} 256`]);
    expect(told(prune(512, 768)).faults).toEqual([`${from} 0`]);
    // Where the first ones are not there any more, nothing is known of where the first one begins.
    const late = events([call(), prune(512, 768)]);
    expect(examine(late.slice(1), 900)).toEqual([]);
    // One that could not have been allows nothing to be missing.
    const never = (members: object) => {
      const draft = prune(0, 256);
      return told({ ...draft, members: { ...draft.members, ...members } });
    };
    for (const members of [{ to: 2 ** 40, size: 2 ** 40 }, { to: 255 }, { to: 1_024, size: 1_024 }])
      expect(never(members)).toEqual({
        faults: [expect.stringContaining('is none of whole bundles')],
        pruned: 0,
      });
    expect(never({ before: '2100-01-01T00:00:00.000Z' })).toMatchObject({ pruned: 0 });
    expect(never({ of: 'request' })).toMatchObject({ pruned: 0 });
  });

  it('behind a gap are followed from there, and end where they end', () => {
    const faults: LogFault[] = [];
    const onFault = (fault: LogFault) => void faults.push(fault);
    const examiner = createEventExaminer({ crypto, origin: ORIGIN, onFault });
    for (const [index, event] of GOOD.entries()) if (index !== 2) examiner.follow(index, eventBytes(event));
    expect(faults).toEqual([]);
    const last = GOOD.at(-1)!;
    expect(examiner.emitters.get(last.emitter)).toEqual({
      eseq: last.eseq,
      hash: eventHash(last, crypto),
      time: Date.parse(last.time),
    });
    expect(examiner.subjects.get(worker.did)).toBe(3);
  });

  it('one of which is gone, or stands twice, are told where the next one stands', () => {
    const gone = GOOD.filter((_, i) => i !== 2);
    expect(examine(gone)).toContainEqual({
      where: 'event',
      index: 2,
      what: 'eseq 4 of its emitter follows 2',
    });
    const twice = [...GOOD.slice(0, 3), GOOD[2]!, ...GOOD.slice(3)];
    const said = examine(twice).map(({ index, what }) => `${index} ${what}`);
    expect(said).toContain('3 eseq 3 of its emitter follows 3');
    expect(said).toContain('3 pseq 1 of its subject follows 1');
  });

  it.each<[string, Partial<Draft['forge']> & object, string]>([
    ['of another log', { origin: 'talos.test/2/default' }, 'it is of the log talos.test/2/default'],
    ['of another tenant', { tenant: 'acme' }, 'it is of the tenant acme'],
    [
      'with another previous hash',
      { prev: 'cd'.repeat(32) },
      "prev is not the hash of its emitter's event before",
    ],
    ['out of its time', { time: '2020-01-01T00:00:00.000Z' }, 'its time is before that of the event before'],
    [
      'with another number of its subject',
      { principal: { sub: worker.did, pseq: 7 } },
      'pseq 7 of its subject follows 1',
    ],
  ])('one of which is %s are told so once', (_, forge, what) => {
    const forged = events([opened(0, 1), call(), call(worker.did, { forge }), call(agent.did)]);
    expect(examine(forged)).toEqual([{ where: 'event', index: 2, what }]);
  });

  it('whose time is no date are told so, and so is what comes after', () => {
    const time = '2026-02-30T00:00:00.000Z';
    const [first, second, third, fourth] = events([opened(0, 1), call(), call(), call()]);
    const other = eventBytes({ ...third!, time } as AuditEvent);
    expect(examine([first!, second!, other, { ...fourth!, origin: 'talos.test/2/default' }])).toMatchObject([
      { index: 2, what: 'it is no event: a time that does not exist' },
      { index: 3 },
      { index: 3 },
      { index: 3 },
    ]);
  });

  it('whose first one says that there was one before, are told so', () => {
    const [first, ...rest] = events([opened(0, 1, { forge: { eseq: 1, prev: 'cd'.repeat(32) } }), call()]);
    expect(examine([first!, ...rest])[0]).toMatchObject({ index: 0, what: expect.stringContaining('prev') });
  });

  it('whose starts are at another place, or go back, are told so', () => {
    const said = examine(events([opened(0, 2), opened(5, 2)])).map(({ what }) => what);
    expect(said).toEqual(['the log was opened with 5 events, and this is event 1', 'boot 2 follows 2']);
  });

  // AUD-55
  it('that count others otherwise than they are numbered are told so, as far as those were read', () => {
    const counted = (size: number, pseq: number, count = 0): Draft => ({
      type: 'log.counted',
      members: {
        size,
        agents: [{ sub: worker.did, pseq }],
        endings: [{ target: agent.did, count }],
      },
      sub: null,
    });
    const told = (draft: Draft, from = 0): string[] =>
      examine(events([opened(0, 1), call(), call(), call(), draft]).slice(from), from).map(
        ({ what }) => what,
      );
    expect([told(counted(4, 3)), told(counted(3, 2)), told(counted(4, 3), 2)]).toEqual([[], [], []]);
    const lie = (pseq: number) => `it says that there were ${pseq} events of ${worker.did} before entry 4`;
    for (const from of [0, 2]) {
      expect(told(counted(4, 2), from)).toEqual([expect.stringContaining(lie(2))]);
      expect(told(counted(4, 4), from)).toEqual([expect.stringContaining(lie(4))]);
    }
    expect(told(counted(4, 3, 1))).toEqual([expect.stringContaining('1 events that end')]);
    // What was not read may have ended it, and may be of anybody.
    expect([told(counted(4, 3, 1), 2), told(counted(4, 9), 4)]).toEqual([[], []]);
    const nobody = { size: 1, agents: [{ sub: agent.did, pseq: 1 }], endings: [] };
    expect(examine(events([opened(0, 1), { ...counted(1, 0), members: nobody }]))).toHaveLength(1);
    expect(told(counted(5, 3))).toEqual(['it counts events that come after']);
  });

  // AUD-1, AUD-22
  it('that are booked on others than they are of are told so, unless their chain may have been missed', () => {
    const chain = makeChain();
    const made = [chainEvent(chain), sessionEvent(chain), decisionEvent(chain), decisionEvent(chain)];
    const log = events(made);
    expect(examine(log)).toEqual([]);
    const hidden = (principal: object | null): AuditEvent[] =>
      events(made.map((draft, i) => (i === 2 ? { ...draft, forge: { principal } } : draft)));
    const told = (list: readonly (AuditEvent | Uint8Array)[], from = 0): string[] =>
      examine(list, from).map(({ index, what }) => `${index} ${what}`);
    expect(told(hidden(null))).toContain('2 a decision event under a chain is booked on nobody');
    const other = hidden({ sub: agent.did, pseq: 1 });
    const said = '2 a decision event is booked on another subject than it shows';
    expect(told(other)).toContain(said);
    const never = ' event under a chain that was never logged';
    expect(told(events(made.slice(1)))).toEqual([
      `0 a session.opened${never}`,
      `1 a decision${never}`,
      `2 a decision${never}`,
    ]);
    // Behind a gap it may have been, and so where it cannot be read.
    expect(told(events(made).slice(1), 1)).toEqual([]);
    expect(told([encodeUtf8('{'), ...events(made).slice(1)]).filter((one) => one.includes(never))).toEqual(
      [],
    );
    // What was read before a gap holds behind it.
    const faults: string[] = [];
    const onFault = ({ what }: LogFault) => void faults.push(what);
    const examiner = createEventExaminer({ crypto, origin: ORIGIN, onFault });
    examiner.follow(0, eventBytes(other[0]!));
    examiner.follow(2, eventBytes(other[2]!));
    expect(faults).toEqual([said.slice(2)]);
  });

  it('one of which is no event leave the others to be followed', () => {
    const [first, second, third] = GOOD;
    const spaced = encodeUtf8(` ${new TextDecoder().decode(eventBytes(second!))}`);
    const said = examine([first!, spaced, third!]).map(({ index, what }) => [index, what]);
    expect(said[0]).toEqual([1, 'it is not canonical JSON']);
    // Its hash is another with the space.
    expect(said[1]).toEqual([2, "prev is not the hash of its emitter's event before"]);
    for (const bytes of ['{', '[]', '{"v":1}', '\u0000']) {
      expect(examine([encodeUtf8(bytes)])).toEqual([
        { where: 'event', index: 0, what: expect.stringContaining('it is no event') },
      ]);
    }
    expect(examine([Uint8Array.of(0xff)])[0]?.what).toContain('it is no event');
  });
});
