import type { AuditEvent } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { formatTime } from '../encoding/time.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { eventBytes } from './event.js';
import { createEventWalk, type EventWalkOptions, type EventWalkState, walkFrom } from './event-walk.js';
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
  stranger,
  worker,
} from './testing/ledger.js';

/** Refusals of whom the log alone knows. */
const denied = (sub: string | null, more: Partial<Draft> = {}): Draft => ({
  type: 'denials',
  sub,
  members: { source: 'ab'.repeat(16), code: 'REVOKED', minute: '2026-09-21T14:13:00.000Z', count: 1 },
  ...more,
});
const opened = (boot: number, size: number, more: Partial<Draft> = {}): Draft => ({
  type: 'log.opened',
  members: { boot, policy: 'ab'.repeat(32), size },
  sub: null,
  ...more,
});
const counted = (size: number, pseq: number): Draft => ({
  type: 'log.counted',
  members: { size, agents: [{ sub: worker.did, pseq }], endings: [] },
  sub: null,
});

const bytesOf = (drafts: readonly Draft[]): Uint8Array[] =>
  sequence(JSON.parse(JSON.stringify(drafts))).map(({ event }) => eventBytes(event));

function walk(
  entries: readonly Uint8Array[],
  options: Partial<EventWalkOptions> = {},
  from?: EventWalkState,
): EventWalkState {
  const walking = createEventWalk({ origin: ORIGIN, crypto, ...options }, from);
  for (const bytes of entries) walking.follow(bytes);
  return walking.state();
}

const chain = makeChain();
const made = [chainEvent(chain), sessionEvent(chain), decisionEvent(chain)];
const bookedOn = (principal: object | null): Draft => ({ ...decisionEvent(chain), forge: { principal } });

const DRAFTS = [
  opened(1, 0),
  denied(worker.did),
  denied(agent.did),
  denied(worker.did),
  opened(2, 4),
  counted(3, 1),
  ...made,
];

describe('a walk over the entries of a log (AUD-21, AUD-97)', () => {
  it('follows a log that keeps its numbers, also from where it stood before', () => {
    const entries = bytesOf(DRAFTS);
    const whole = walk(entries, { emitters: new Set([gateway.did]) });
    expect(whole).toMatchObject({ next: 9, boot: 2, tenant: 'default', partial: false });
    expect(whole.emitters).toEqual([[gateway.did, expect.objectContaining({ eseq: 9 })]]);
    expect(whole.subjects).toEqual([
      [agent.did, 1],
      [worker.did, 4],
    ]);
    for (let at = 0; at <= entries.length; at += 1) {
      const half = JSON.parse(JSON.stringify(walk(entries.slice(0, at)))) as EventWalkState;
      expect(walk(entries.slice(at), {}, half)).toEqual(whole);
    }
  });

  it('begins in the middle with what it is told', () => {
    const entries = bytesOf(DRAFTS);
    expect(walk(entries.slice(2), {}, walkFrom(2))).toMatchObject({ next: 9, partial: true });
    // What was kept by a program that did not look at counts, or chains, knows nothing of those before.
    const { counts: _, bookings: __, ...kept } = walk(entries.slice(0, 7));
    expect(walk(entries.slice(7), {}, kept).next).toBe(9);
    expect(walk(bytesOf([...DRAFTS.slice(0, 5), counted(5, 7)]).slice(4), {}, walkFrom(4)).next).toBe(6);
  });

  it('says which entry comes next, and gives the event', () => {
    const walking = createEventWalk({ origin: ORIGIN, crypto });
    const [first = new Uint8Array()] = bytesOf(DRAFTS);
    expect(walking.next()).toBe(0);
    expect(walking.follow(first)).toMatchObject({ type: 'log.opened', boot: 1 });
    expect(walking.next()).toBe(1);
  });

  it.each<[string, readonly Draft[], string, Partial<EventWalkOptions>?]>([
    ['another log', [denied(null, { forge: { origin: 'talos.test/2/default' } })], 'origin'],
    ['an emitter nobody trusts', [denied(null)], 'emitter', { emitters: new Set([stranger.did]) }],
    ['another tenant', [denied(null), denied(null, { forge: { tenant: 'other' } })], 'tenant'],
    [
      'a first event that is not the first',
      [denied(null, { forge: { eseq: 2, prev: 'ab'.repeat(32) } })],
      'eseq',
    ],
    ['a first event that names one before', [denied(null, { forge: { prev: 'ab'.repeat(32) } })], 'prev'],
    ['a number left out', [denied(null), denied(null, { forge: { eseq: 3 } })], 'eseq'],
    ['a number twice', [denied(null), denied(null), denied(null, { forge: { eseq: 2 } })], 'eseq'],
    ['another event before', [denied(null), denied(null, { forge: { prev: 'ab'.repeat(32) } })], 'prev'],
    ['times that run backwards', [denied(null, { at: 10 }), denied(null, { at: 4 })], 'time'],
    [
      'times that run backwards in small steps',
      [denied(null, { at: 10 }), denied(null, { at: 7 }), denied(null, { at: 4 })],
      'time',
    ],
    [
      'a pruning of what was to come',
      [
        denied(null),
        {
          type: 'log.pruned',
          sub: null,
          members: {
            of: 'age',
            from: 0,
            to: 2 ** 40,
            before: formatTime(0),
            size: 2 ** 40,
            root: 'ab'.repeat(32),
          },
        },
      ],
      'pruning',
    ],
    [
      "a subject's number left out",
      [denied(agent.did), denied(agent.did, { forge: { principal: { sub: agent.did, pseq: 3 } } })],
      'pseq',
    ],
    [
      'a subject that begins late',
      [denied(agent.did, { forge: { principal: { sub: agent.did, pseq: 2 } } })],
      'pseq',
    ],
    ['a count that hides events', [denied(worker.did), denied(worker.did), counted(2, 1)], 'counted'],
    ['a count of events that there never were', [denied(worker.did), counted(1, 2)], 'counted'],
    ['a count of who never came', [counted(0, 1)], 'counted'],
    ['a count of what is to come', [counted(1, 0)], 'counted'],
    ['a call that is booked on nobody', [...made, bookedOn(null)], 'principal'],
    ['a call that is booked on another', [...made, bookedOn({ sub: agent.did, pseq: 1 })], 'principal'],
    ['a call that is allowed to nobody', [decisionEvent(undefined, { sub: null })], 'principal'],
    ['a start that found another log', [denied(null), opened(1, 3)], 'start'],
    ['a start twice', [opened(2, 0), opened(2, 1)], 'start'],
    ['a form that is none', [denied(null, { forge: { more: 1 } })], 'form'],
  ])('refuses %s', (_, drafts, caveat, options) => {
    const entries = bytesOf(drafts);
    const walking = createEventWalk({ origin: ORIGIN, crypto, ...options });
    for (const bytes of entries.slice(0, -1)) walking.follow(bytes);
    const before = walking.state();
    expect(() => walking.follow(entries.at(-1) as Uint8Array)).toThrow(
      expect.objectContaining({
        code: 'PROOF_NOT_PROVEN',
        data: expect.objectContaining({ caveat, item: `entry ${entries.length - 1}` }),
      }),
    );
    expect(walking.state()).toEqual(before);
  });

  it('lets a clock be set back a little', () => {
    expect(walk(bytesOf([denied(null, { at: 10 }), denied(null, { at: 5 })])).next).toBe(2);
  });

  it.each([
    ['no JSON', encodeUtf8('entry 1')],
    ['no canonical JSON', encodeUtf8(` ${new TextDecoder().decode(bytesOf(DRAFTS)[0])}`)],
    ['nothing', new Uint8Array()],
  ])('refuses an entry that is %s', (_, bytes) => {
    expect(() => walk([bytes])).toThrow(expect.objectContaining({ code: 'PROOF_NOT_PROVEN' }));
  });

  it('remembers a bounded number of subjects, and is honest about the others', () => {
    const drafts = [denied(worker.did), denied(agent.did), denied(worker.did)];
    const state = walk(bytesOf(drafts), { mostSubjects: 1 });
    expect(state.subjects).toEqual([[worker.did, 2]]);
    expect(state.partial).toBe(false);
    const late = [...drafts, denied(stranger.did, { forge: { principal: { sub: stranger.did, pseq: 9 } } })];
    expect(walk(bytesOf(late), { mostSubjects: 1 }).next).toBe(4);
    // An emitter's first event is its first all the same.
    const other = sequence(JSON.parse(JSON.stringify([denied(null), denied(null)])), stranger.did).slice(1);
    const entries = [...bytesOf(drafts), ...other.map(({ event }) => eventBytes(event))];
    expect(() => walk(entries, { mostSubjects: 1 })).toThrow('is its first here');
  });

  it('passes on a fault that is not of the entry', () => {
    const emitters = {
      has: (): boolean => {
        throw new RangeError('broken');
      },
    } as unknown as ReadonlySet<string>;
    expect(() => walk(bytesOf([denied(null)]), { emitters })).toThrow(RangeError);
  });

  it('follows several emitters, each by its own numbers', () => {
    const one = sequence(JSON.parse(JSON.stringify([denied(null), denied(null)])));
    const two = sequence(JSON.parse(JSON.stringify([denied(null)])), stranger.did);
    const events: AuditEvent[] = [one[0]!.event, two[0]!.event, one[1]!.event];
    expect(walk(events.map(eventBytes)).emitters.map(([emitter]) => emitter)).toEqual([
      stranger.did,
      gateway.did,
    ]);
  });
});
