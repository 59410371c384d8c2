import type { AuditEvent } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { type BookingsState, bookingsFrom, createBookings } from './bookings.js';
import {
  agent,
  chainEvent,
  type Draft,
  decisionEvent,
  makeChain,
  nextId,
  sequence,
  sessionEvent,
  worker,
} from './testing/ledger.js';

const chain = makeChain();
const other = makeChain({ calls: 7 });
const accountable = makeChain({ root: { prn: 'jane@example.org' } });
const on = (draft: Draft, principal: object | null): Draft => ({ ...draft, forge: { principal } });
const outcome = (decision: string, rest: Partial<Draft> = {}): Draft => ({
  type: 'outcome',
  sub: worker.did,
  members: { request: nextId('req'), decision, status: 'completed', response_hash: null },
  ...rest,
});
const denied = (sub: string | null): Draft =>
  decisionEvent(undefined, {
    sub,
    members: { credential: { kind: 'none' }, effect: 'deny', code: 'REVOKED' },
  });
const issued = (sub: string | null): Draft => ({
  type: 'capability.issued',
  sub,
  members: { cth: chain.cth, lid: chain.leaf.lid },
});
const refused: Draft = {
  type: 'denials',
  sub: agent.did,
  members: { source: 'ab'.repeat(16), code: 'EXPIRED', minute: '2026-09-21T14:13:00.000Z', count: 1 },
};

const OPTIONS = { crypto, mostChains: 10, mostCalls: 10 };

/** What is said of each event, after those before it. */
function faults(
  drafts: readonly (Draft | AuditEvent)[],
  known: BookingsState = bookingsFrom(0),
  options = OPTIONS,
): (string | undefined)[] {
  let bookings = createBookings(options, known);
  return drafts.map((draft) => {
    const event = 'members' in draft ? (sequence([draft])[0]?.event as AuditEvent) : draft;
    const fault = bookings.faultOf(event);
    bookings.take(event);
    // As after a restart.
    bookings = createBookings(options, JSON.parse(JSON.stringify(bookings.state())));
    return fault;
  });
}
/** What is said of the last of them, if nothing is of the others. */
function lastFault(drafts: readonly (Draft | AuditEvent)[], known?: BookingsState, options = OPTIONS) {
  const said = faults(drafts, known, options);
  expect(said.slice(0, -1).filter((fault) => fault !== undefined)).toEqual([]);
  return said.at(-1);
}

const OTHER = 'is booked on another subject than it shows';
const NOBODY = 'under a chain is booked on nobody';
const NEVER = 'under a chain that was never logged';
const start = [chainEvent(chain), sessionEvent(chain)];

// AUD-1, AUD-22
describe('whom events are booked on', () => {
  it('is who holds their chain, who made the call that they end, or nobody', () => {
    const called = sequence([decisionEvent(chain)])[0]?.event as AuditEvent;
    const prn = { sub: worker.did, pseq: 1, prn: 'jane@example.org' };
    const log = [
      ...start,
      called,
      outcome(called.id),
      denied(null),
      decisionEvent(chain, { members: { effect: 'deny', code: 'SCOPE_MISMATCH' } }),
      issued(null),
      refused,
      chainEvent(accountable),
      on(decisionEvent(accountable), prn),
    ];
    expect(faults(log).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it.each<[string, readonly Draft[], string]>([
    ['a call under a chain, on nobody', [...start, on(decisionEvent(chain), null)], NOBODY],
    ['a call under a chain, on another', [...start, decisionEvent(chain, { sub: agent.did })], OTHER],
    ['a call without a chain, on somebody', [denied(worker.did)], OTHER],
    [
      'a refusal under a chain, on nobody',
      [...start, on(decisionEvent(chain, { members: { effect: 'deny' } }), null)],
      NOBODY,
    ],
    ['a session, on nobody', [chainEvent(chain), on(sessionEvent(chain), null)], NOBODY],
    ['a session, on another', [chainEvent(chain), sessionEvent(chain, { sub: agent.did })], OTHER],
    ['a call for another principal', [chainEvent(accountable), decisionEvent(accountable)], OTHER],
    ['what is of nobody', [chainEvent(chain), issued(worker.did)], OTHER],
    ['a chain, on its holder', [{ ...chainEvent(chain), sub: worker.did }], OTHER],
    ['a call under a chain that was never logged', [...start, decisionEvent(other)], NEVER],
    [
      'a call that is allowed under no chain',
      [...start, decisionEvent(undefined, { sub: null, members: { credential: { kind: 'none' } } })],
      'allows a call that is under no chain',
    ],
    ['a session of a chain that was never logged', [sessionEvent(chain)], NEVER],
  ])('is found false of %s', (_, drafts, words) => {
    expect(lastFault(drafts)).toContain(words);
  });

  it('is found false of the outcome of a call of somebody else, while the call is remembered', () => {
    const [one, two] = sequence([decisionEvent(chain), decisionEvent(chain)]).map(({ event }) => event) as [
      AuditEvent,
      AuditEvent,
    ];
    const calls = [...start, one, two];
    for (const principal of [null, { sub: agent.did, pseq: 1 }]) {
      expect(lastFault([...calls, on(outcome(one.id), principal)])).toContain(OTHER);
      const few = { ...OPTIONS, mostCalls: 1 };
      expect(lastFault([...calls, on(outcome(two.id), principal)], undefined, few)).toContain(OTHER);
      expect(lastFault([...calls, on(outcome(one.id), principal)], undefined, few)).toBeUndefined();
    }
  });

  it('is not known of a chain that may have been forgotten, or never read; but is somebody', () => {
    const elsewhere = decisionEvent(chain, { sub: agent.did });
    const few = { ...OPTIONS, mostChains: 2 };
    const third = chainEvent(makeChain({ calls: 8 }));
    const chains = [chainEvent(chain), chainEvent(other)];
    expect(lastFault([...chains, third, elsewhere], undefined, few)).toBeUndefined();
    expect(lastFault([...chains, third, on(decisionEvent(chain), null)], undefined, few)).toContain(NOBODY);
    // What was used stays longer.
    expect(lastFault([...chains, decisionEvent(chain), third, elsewhere], undefined, few)).toContain(OTHER);
    expect(lastFault([elsewhere], bookingsFrom(7))).toBeUndefined();
    expect(lastFault([on(decisionEvent(chain), null)], bookingsFrom(7))).toContain(NOBODY);
    const missed = createBookings(OPTIONS, bookingsFrom(0));
    missed.miss();
    expect(missed.state()).toEqual(bookingsFrom(7));
  });

  it('shows in no chain that is not what its hash names', () => {
    const forged = [
      { ...chainEvent(chain), members: { cth: chain.cth, chain: other.chain } },
      { ...chainEvent(chain), members: { cth: chain.cth, chain: 'a.b.c' } },
    ];
    for (const draft of forged)
      expect(faults([draft, decisionEvent(chain, { sub: agent.did })])).toEqual([
        'the chain is not what its hash names',
        undefined,
      ]);
  });

  it('passes on a fault that is not of the chain', () => {
    const sha256Ascii = (): string => {
      throw new RangeError('broken');
    };
    const broken = { ...OPTIONS, crypto: { ...crypto, sha256Ascii } };
    expect(() => faults(start, undefined, broken)).toThrow(RangeError);
  });
});
