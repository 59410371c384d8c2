import type { BundleSelection } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import type { ParsedChain } from '../capability/chain.js';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { formatTime } from '../encoding/time.js';
import { isTrustError } from '../error.js';
import {
  agent,
  chainEvent,
  commitTo,
  type Draft,
  decisionEvent,
  makeChain,
  NOW,
  organisation,
  type Sequenced,
  sequence,
  sessionEvent,
  signerOf,
  stranger,
  trustFile,
  worker,
} from './testing/ledger.js';
import { exportSelection, type SelectionOptions } from './testing/selection.js';
import { parseTrustFile } from './trust-file.js';
import { inspectBundle, verifyBundle, verifyBundleInSteps } from './verify-bundle.js';

const trust = parseTrustFile(trustFile(), crypto);
const helper = signerOf(7);
const mine = makeChain();
const other = makeChain({ bearer: true, leaf: { sub: helper.did } });
const at = (seconds: number): string => formatTime((NOW + seconds) * 1000);

/** What can end a chain: its links and whom they name. */
const targetsOf = ({ links }: ParsedChain): string[] => [
  ...new Set(links.flatMap(({ lid, claims }) => [lid, claims.iss, claims.sub])),
];

const call = (second: number, members: object = {}): Draft => decisionEvent(mine, { at: second, members });
const otherCall = (second: number): Draft => {
  const made = decisionEvent(other, { at: second, sub: helper.did });
  return { ...made, members: { ...made.members, credential: { kind: 'bearer', cth: other.cth } } };
};
const counted = (
  size: number,
  pseq: number,
  change: { sub?: string; count?: number; forget?: string; more?: object } = {},
): Draft => ({
  type: 'log.counted',
  sub: null,
  at: 100,
  members: {
    size,
    agents: [{ sub: change.sub ?? worker.did, pseq }],
    endings: targetsOf(mine)
      .filter((target) => target !== change.forget)
      .map((target) => ({ target, count: change.count ?? 0 })),
    ...change.more,
  },
});
const outcome = (of: Draft, sub: string, second: number): Draft => ({
  type: 'outcome',
  sub,
  at: second,
  members: { request: of.members['request'], decision: '', status: 'completed', response_hash: null },
});

/** 0 chain, 1 session (1 of worker), 2 chain, 3 call (2), 4 call of another, 5 outcome of 3 (3), 6 denial (4), 7 summary,
 *  8 call (5), 9 call of another, 10 call (6), 11 the log counts. */
function story(last: readonly Draft[] = [counted(11, 6)]): Sequenced[] {
  const first = call(20);
  const drafts: Draft[] = [
    chainEvent(mine),
    { ...sessionEvent(mine), at: 10 },
    { ...chainEvent(other), at: 10 },
    first,
    otherCall(30),
    outcome(first, worker.did, 40),
    call(50, {
      effect: 'deny',
      code: 'SCOPE_MISMATCH',
      action: { method: 'tools/call', server: 'fs', tool: 'write' },
    }),
    {
      type: 'denials',
      sub: null,
      at: 60,
      members: {
        source: 'ab'.repeat(16),
        code: 'EXPIRED',
        minute: at(0).replace(/:\d\d\.\d+Z/, ':00.000Z'),
        count: 2,
      },
    },
    call(70),
    otherCall(80),
    call(90),
    ...last,
  ];
  const events = sequence(drafts);
  return withOutcome(events, drafts);
}

/** An outcome names the id that its decision got. */
function withOutcome(events: Sequenced[], drafts: Draft[]): Sequenced[] {
  const decision = events[3]?.event.id;
  drafts[5] = { ...(drafts[5] as Draft), forge: { decision } };
  const ids = events.map(({ event }) => event.id);
  return sequence(drafts.map((draft, i) => ({ ...draft, forge: { ...draft.forge, id: ids[i] } })));
}

const HONEST = story();
/** All of worker, the chain, and where the log counts. */
const OF_WORKER = [0, 1, 3, 5, 6, 8, 10, 11];
const BY_AGENT: Partial<BundleSelection> = {
  filter: { agents: [worker.did] },
  complete: [worker.did],
  endings: true,
};
const byAgent = (change: SelectionOptions = {}): SelectionOptions => ({
  show: OF_WORKER,
  to: 11,
  ...change,
  selection: { ...BY_AGENT, ...change.selection },
});
const verify = (options: SelectionOptions, events: readonly Sequenced[] = HONEST) =>
  verifyBundle(exportSelection(events, options), trust, crypto);

/** What the verifier says of a bundle that must not pass: `check: reason`. */
function refusal(options: SelectionOptions, events: readonly Sequenced[] = HONEST): string {
  try {
    verify(options, events);
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
    return `${error.data.caveat}: ${error.data.reason}`;
  }
  return 'proven';
}
const without = (...indexes: number[]): number[] => OF_WORKER.filter((index) => !indexes.includes(index));

describe('a bundle of one agent (AUD-50 to AUD-58)', () => {
  it('proves that these are all events of the agent, with the chain and what could have ended it', () => {
    const report = verify(byAgent());
    expect(report).toMatchObject({
      from: 0,
      to: 11,
      size: 12,
      shown: 7,
      entries: 8,
      subjects: [worker.did],
      first: at(0),
      last: at(90),
      selection: BY_AGENT,
      counts: { allowed: 3, denied: 1, recomputed: 3, unchecked: 0, outcomes: 1, revocations: 0 },
    });
    expect(report.calls.map(({ index, asked, checked }) => [index, asked, checked])).toEqual([
      [3, true, true],
      [6, true, true],
      [8, true, true],
      [10, true, true],
    ]);
    expect(report.calls[0]?.outcome?.status).toBe('completed');
    expect([...report.chains.keys()]).toEqual([mine.cth]);
  });

  it('proves a window between events of the agent that stand before and after it', () => {
    const window = byAgent({ show: [0, 1, 3, 5, 6, 8, 10, 11], from: 5, to: 9 });
    expect(verify(window).counts).toMatchObject({ allowed: 1, denied: 1, outcomes: 1 });
    expect(verify(byAgent({ show: [0, 1, 3, 5, 6, 8, 10, 11], from: 5, to: 10 })).shown).toBe(3);
  });

  it('proves that an agent did nothing, in a window or ever', () => {
    const never = [counted(11, 0, { sub: stranger.did })];
    const of = (sub: string) => ({ filter: { agents: [sub] }, complete: [sub], endings: true });
    expect(verify({ show: [11], to: 11, selection: of(stranger.did) }, story(never)).shown).toBe(0);
    expect(verify({ show: [3, 5], from: 4, to: 5, selection: of(worker.did) }).shown).toBe(0);
    expect(refusal({ show: [11], to: 11, selection: of(stranger.did) })).toMatch(/^complete: /);
    expect(refusal({ show: [5], from: 4, to: 5, selection: of(worker.did) })).toMatch(/^complete: /);
  });

  it.each([
    ['in the middle', without(8)],
    ['a denial', without(6)],
    ['an outcome', without(5)],
    ['the first', without(1)],
    ['the last', without(10)],
    ['the last, and where the log counts', without(10, 11)],
    ['where the log counts', without(11)],
  ])('refuses it with an event of the agent left out: %s', (_, show) => {
    expect(refusal(byAgent({ show }))).not.toBe('proven');
    const claimsNothing = { ...BY_AGENT, complete: [], endings: false };
    expect(refusal(byAgent({ show, selection: claimsNothing }))).toMatch(
      show.includes(1) ? /^proven$/ : /^decision: .*session/,
    );
  });

  it('refuses a window whose neighbours are of another number', () => {
    expect(refusal(byAgent({ show: without(3), from: 5, to: 9 }))).toMatch(/^(complete|outcome)/);
    expect(refusal(byAgent({ show: without(5, 3), from: 6, to: 9 }))).toMatch(/^complete: event 2 /);
    expect(refusal(byAgent({ show: without(10, 11), from: 6, to: 9 }))).toMatch(/^complete: nothing shows/);
  });

  it('refuses a count of the log that is of an earlier place, or lies', () => {
    expect(refusal(byAgent(), story([counted(9, 5)]))).toMatch(/^complete: nothing shows/);
    expect(refusal(byAgent({ to: 9 }), story([counted(9, 5)]))).toBe('proven');
    expect(refusal(byAgent({ selection: { complete: [] } }), story([counted(9, 5)]))).toMatch(/^endings: /);
    expect(refusal(byAgent(), story([counted(11, 5)]))).toMatch(/^counted: /);
    expect(refusal(byAgent(), story([counted(11, 7)]))).toMatch(/^complete: /);
    expect(refusal(byAgent(), story([counted(12, 6)]))).toMatch(/^counted: .* come after/);
    expect(refusal(byAgent({ show: [...OF_WORKER, 12] }), story([counted(11, 6), call(101)]))).toBe('proven');
    const ahead = byAgent({ show: [...OF_WORKER, 12], selection: { complete: [], endings: false } });
    expect(refusal(ahead, story([counted(11, 8), call(101)]))).toMatch(/^counted: /);
    const twice = [counted(11, 6), { ...call(101), forge: { principal: { sub: worker.did, pseq: 6 } } }];
    expect(refusal(byAgent({ show: [...OF_WORKER, 12] }), story(twice))).toMatch(/^(counted|pseq): /);
  });

  it('refuses counts of the log that contradict each other, whatever lies between them', () => {
    const told = (...counts: Draft[]): string =>
      refusal(byAgent({ show: [...OF_WORKER, 12] }), story(counts));
    expect(told(counted(11, 6), counted(12, 6))).toBe('proven');
    expect(told(counted(12, 6), counted(11, 6))).toMatch(/come after/);
    // What ended before entry 11 had ended before entry 12 too.
    expect(told(counted(11, 6, { count: 1 }), counted(12, 6))).toMatch(/^counted: /);
    expect(told(counted(11, 6), counted(11, 6, { count: 1 }))).toMatch(/^counted: /);
    expect(told(counted(11, 6), counted(10, 6, { count: 1 }))).toMatch(/^counted: /);
    const twice = counted(11, 6);
    const endings = twice.members['endings'] as { target: string }[];
    const both = { ...twice.members, endings: [...endings, { target: endings[0]!.target, count: 1 }] };
    expect(refusal(byAgent(), story([{ ...twice, members: both }]))).toMatch(/^counted: /);
    const agents = [
      { sub: worker.did, pseq: 6 },
      { sub: worker.did, pseq: 7 },
    ];
    expect(refusal(byAgent(), story([{ ...twice, members: { ...twice.members, agents } }]))).toMatch(
      /^counted: /,
    );
  });

  it('refuses a count that leaves out what is shown between it and another', () => {
    const revocation: Draft = {
      type: 'revocation.below',
      sub: null,
      at: 95,
      members: {
        below: stranger.did,
        as: 'subject',
        point: null,
        by: 'administrator',
        revocation: null,
        chain_hash: null,
      },
    };
    const of = (count: number): object => ({
      more: {
        endings: [...targetsOf(mine), stranger.did].map((target) => ({
          target,
          count: target === stranger.did ? count : 0,
        })),
      },
    });
    const told = (first: number, second: number): string =>
      refusal(
        byAgent({ show: [...OF_WORKER, 12, 13] }),
        story([counted(11, 6, of(first)), revocation, counted(13, 6, of(second))]),
      );
    expect(told(1, 2)).toBe('proven');
    expect(told(1, 1)).toMatch(/^counted: /);
  });

  it('holds every count against the whole log (AUD-55)', () => {
    expect(refusal({}, story([counted(11, 6)]))).toBe('proven');
    expect(refusal({}, story([counted(9, 5)]))).toBe('proven');
    for (const pseq of [4, 6]) expect(refusal({}, story([counted(9, pseq)]))).toMatch(/^counted: /);
    expect(refusal({}, story([counted(11, 6, { count: 1 })]))).toMatch(/^counted: /);
    expect(verify({ selection: { endings: true } }).selection.endings).toBe(true);
  });
});

describe('entries of a bundle (AUD-51, AUD-52)', () => {
  const tampered = (tamper: NonNullable<SelectionOptions['tamper']>): string => refusal(byAgent({ tamper }));
  const move = (
    content: Parameters<NonNullable<SelectionOptions['tamper']>>[0],
    a: number,
    b: number,
  ): void => {
    const moved = content.entries[a]!;
    content.entries[a] = content.entries[b]!;
    content.entries[b] = moved;
  };

  it('refuses entries that are reordered, doubled, renumbered or beyond the tree', () => {
    expect(tampered((content) => move(content, 3, 4))).toMatch(/^order: /);
    expect(tampered((content) => content.entries.splice(3, 0, content.entries[3] as never))).toMatch(
      /^order: /,
    );
    expect(
      tampered((content) => {
        move(content, 3, 4);
        for (const i of [3, 4]) content.entries[i]!.index = OF_WORKER[i]!;
        const [a, b] = [content.entries[3]!, content.entries[4]!];
        [a.before, b.before] = [b.before, a.before];
      }),
    ).toMatch(/^tree: /);
    expect(tampered((content) => Object.assign(content.entries.at(-1)!, { index: 12 }))).toMatch(/^order: /);
  });

  it('refuses an entry that was changed, or hidden behind a hash', () => {
    expect(
      tampered((content) => Object.assign(content.entries[4]!.event, { effect: 'allow', code: null })),
    ).toMatch(/^tree: /);
    expect(tampered(({ entries }) => entries[5]!.before.pop())).toMatch(/^tree: .* hashes stand for/);
    expect(tampered((content) => content.rest.push(content.entries[5]!.before[0]!))).toMatch(/^tree: /);
    expect(
      tampered(({ entries }) => {
        entries[5]!.before[0] = entries[3]!.before[0]!;
      }),
    ).not.toBe('proven');
  });

  it('refuses an entry of another log', () => {
    const elsewhere = story().map((one) => ({
      ...one,
      event: { ...one.event, origin: 'talos.test/2/default' },
    }));
    const foreign = HONEST.map((one, i) => (i === 8 ? (elsewhere[8] as Sequenced) : one));
    expect(refusal(byAgent(), foreign)).toMatch(/^origin: /);
    expect(
      tampered((content) => {
        content.entries[5]!.event = elsewhere[8]!.event;
      }),
    ).toMatch(/^tree: /);
  });

  it('refuses disclosures that are of another entry', () => {
    expect(
      tampered(({ entries }) => {
        const [a, b] = [entries[2]!, entries[5]!];
        [a.disclosures, b.disclosures] = [b.disclosures, a.disclosures];
      }),
    ).toMatch(/^decision event: .* does not open its commitment/);
  });

  it('refuses an emitter or an event that does not follow what is shown (AUD-61)', () => {
    const forge = (index: number, change: object): Sequenced[] =>
      HONEST.map((one, i) => (i === index ? { ...one, event: { ...one.event, ...change } as never } : one));
    expect(refusal(byAgent(), forge(6, { eseq: 9 }))).toMatch(/^eseq: /);
    expect(refusal(byAgent(), forge(6, { prev: 'ab'.repeat(32) }))).toMatch(/^prev: /);
    expect(refusal(byAgent(), forge(8, { prev: 'ab'.repeat(32) }))).not.toMatch(/^prev: /);
    expect(refusal(byAgent(), forge(8, { time: at(1) }))).toMatch(/^time: /);
    expect(refusal(byAgent(), forge(8, { emitter: stranger.did }))).toMatch(/^emitter: /);
    expect(refusal(byAgent(), forge(8, { principal: { sub: worker.did, pseq: 9 } }))).toMatch(/^pseq: /);
  });

  it('has every entry of its range without a filter but times', () => {
    const all = HONEST.map((_, index) => index);
    expect(verify({}).counts).toMatchObject({ allowed: 5, denied: 1 });
    expect(refusal({ show: all.filter((index) => index !== 7) })).toMatch(/^range: 1 entries/);
    expect(verify({ show: all.filter((index) => index < 10), to: 10 }).to).toBe(10);
  });

  it('can be looked at without trust, and read in steps', () => {
    const bytes = exportSelection(HONEST, byAgent());
    expect(inspectBundle(bytes, crypto)).toMatchObject({ from: 0, to: 11, shown: 7 });
    const steps = [...verifyBundleInSteps(bytes, trust, crypto)];
    expect(steps.at(0)).toEqual({ done: 0, total: 16 });
    expect(steps.at(-1)).toEqual({ done: 16, total: 16 });
  });
});

describe('a window in time (AUD-52)', () => {
  const all = HONEST.map((_, index) => index);
  const window = (
    since: number | undefined,
    until: number | undefined,
    from: number,
    to: number,
    show = all,
  ) => ({
    show,
    from,
    to,
    selection: {
      filter: {
        ...(since === undefined ? {} : { since: at(since) }),
        ...(until === undefined ? {} : { until: at(until) }),
      },
    },
  });

  it('is shown by the entries beside it', () => {
    expect(verify(window(35, 75, 5, 9)).shown).toBe(4);
    expect(verify(window(undefined, 75, 0, 9)).shown).toBe(9);
    expect(verify(window(35, undefined, 5, 12)).shown).toBe(7);
    expect(verify(window(0, 500, 0, 12)).shown).toBe(12);
  });

  it('is refused when it is shifted', () => {
    expect(refusal(window(35, 75, 6, 9))).toMatch(/^window: .* is not before/);
    expect(refusal(window(35, 75, 5, 8))).toMatch(/^window: .* is before/);
    expect(
      refusal(
        window(
          35,
          75,
          5,
          9,
          all.filter((i) => i !== 4),
        ),
      ),
    ).toMatch(/^window: entry 4/);
    expect(
      refusal(
        window(
          35,
          75,
          5,
          9,
          all.filter((i) => i !== 9),
        ),
      ),
    ).toMatch(/^window: entry 9/);
  });

  it('is refused when records of other times are in it, and nothing stands beside it', () => {
    expect(refusal(window(500, undefined, 0, 12))).toMatch(
      /^window: entry 0, in the range, is not of the time/,
    );
    expect(refusal(window(undefined, 75, 0, 12))).toMatch(
      /^window: entry 9, in the range, is not of the time/,
    );
  });
});

describe('what entries refer to (AUD-54)', () => {
  it('is shown before them', () => {
    expect(refusal(byAgent({ show: without(0) }))).toMatch(/^(session|decision): /);
    expect(refusal(byAgent({ show: without(1), from: 3 }))).toMatch(/^decision: .* session/);
    const late = { from: 4, to: 11, selection: { ...BY_AGENT, complete: [], endings: false } };
    expect(refusal(byAgent({ ...late, show: without(3) }))).toMatch(/^outcome: /);
    expect(refusal(byAgent({ ...late }))).toBe('proven');
  });

  it('need not be shown of what stands beside the range', () => {
    expect(verify({ show: [4], from: 5, to: 6, selection: { filter: { agents: [agent.did] } } }).shown).toBe(
      0,
    );
  });
});

describe('revocations and ends (AUD-57)', () => {
  const revoked = (target: 'lid' | 'below' | 'did'): Draft => {
    const lid = mine.links[0]!.lid;
    const by = { by: 'administrator', revocation: null, chain_hash: null };
    if (target === 'lid') return { type: 'revocation', sub: null, at: 15, members: { lid, ...by } };
    if (target === 'below')
      return {
        type: 'revocation.below',
        sub: null,
        at: 15,
        members: { below: agent.did, as: 'subject', point: null, ...by },
      };
    return {
      type: 'identity.deactivated',
      sub: null,
      at: 15,
      members: { did: organisation.did, by: 'administrator', statement: null },
    };
  };
  /** A call under a chain that had ended: 0 chain, 1 session, 2 the end, 3 call, 4 count. */
  const ended = (target: 'lid' | 'below' | 'did', count: Draft): Sequenced[] =>
    sequence([chainEvent(mine), { ...sessionEvent(mine), at: 10 }, revoked(target), call(20), count]);
  const truly = (target: 'lid' | 'below' | 'did'): Draft => {
    const name = { lid: mine.links[0]!.lid, below: agent.did, did: organisation.did }[target];
    const endings = targetsOf(mine).map((one) => ({ target: one, count: one === name ? 1 : 0 }));
    return counted(4, 2, { more: { endings } });
  };
  const show = (indexes: number[]) => ({ ...byAgent({ show: indexes, to: 4 }) });

  it.each(['lid', 'below', 'did'] as const)('cannot be left out: %s', (target) => {
    expect(refusal(show([0, 1, 2, 3, 4]), ended(target, truly(target)))).toMatch(/REVOKED/);
    expect(refusal(show([0, 1, 3, 4]), ended(target, truly(target)))).toMatch(/^endings: whether /);
    // A log that lies about it contradicts itself: whoever sees all of it sees that.
    const lie = ended(target, counted(4, 2));
    expect(refusal(show([0, 1, 3, 4]), lie)).toBe('proven');
    expect(refusal(show([0, 1, 2, 3, 4]), lie)).not.toBe('proven');
  });

  it('are proven of every link and DID of a chain', () => {
    for (const forget of targetsOf(mine))
      expect(refusal(byAgent(), story([counted(11, 6, { forget })]))).toMatch(/^endings: whether /);
  });

  it('are shown as far as they came before the call', () => {
    const late = sequence([
      chainEvent(mine),
      { ...sessionEvent(mine), at: 10 },
      call(20),
      { ...revoked('lid'), at: 30 },
      counted(4, 2, {
        more: {
          endings: targetsOf(mine).map((one) => ({ target: one, count: one === mine.links[0]!.lid ? 1 : 0 })),
        },
      }),
    ]);
    expect(verify({ ...byAgent({ show: [0, 1, 2, 3, 4], to: 4 }) }, late).counts.revocations).toBe(1);
  });

  it('are not looked for where nothing is claimed', () => {
    const bundle = byAgent({ show: [0, 1, 3, 5, 6, 8, 10], selection: { complete: [], endings: false } });
    expect(verify(bundle).selection.endings).toBe(false);
  });
});

describe('what calls came to', () => {
  it('is summed up by currency, of what was asked for (AUD-85)', () => {
    const held = ['USD', 'EUR', 'GBP', 'CHF'].map((currency, i) =>
      call(20 + i, { held: { amount: 1_000_000, currency } }),
    );
    const events = sequence([chainEvent(mine), { ...sessionEvent(mine), at: 10 }, ...held]);
    const costs = (filter: BundleSelection['filter']) =>
      verify({ selection: { filter }, disclose: [] }, events).costs.map(({ currency }) => currency);
    expect(costs({})).toEqual(['CHF', 'EUR', 'GBP', 'USD']);
    expect(costs({ tools: ['other'] })).toEqual([]);
  });
});

describe('filters (AUD-53)', () => {
  const asked = (filter: BundleSelection['filter'], show = HONEST.map((_, index) => index)): number[] =>
    verify({ show, to: 11, selection: { filter }, disclose: [] })
      .calls.filter((one) => one.asked)
      .map(({ index }) => index);

  it('say which calls were asked for', () => {
    expect(asked({})).toEqual([3, 4, 6, 8, 9, 10]);
    expect(asked({ agents: [helper.did] })).toEqual([4, 9]);
    expect(asked({ agents: [helper.did, worker.did] })).toEqual([3, 4, 6, 8, 9, 10]);
    expect(asked({ capabilities: [other.cth] })).toEqual([4, 9]);
    expect(asked({ capabilities: [mine.links[1]!.lid] })).toEqual([3, 6, 8, 10]);
    expect(asked({ capabilities: [mine.links[0]!.lid] })).toEqual([3, 4, 6, 8, 9, 10]);
    expect(asked({ capabilities: [other.cth], tools: ['none'] }, [11])).toEqual([]);
    const beside = { show: [3, 5], from: 5, to: 6, selection: { filter: { capabilities: [mine.cth] } } };
    expect(verify(beside).shown).toBe(1);
    expect(asked({ tools: ['fs'] })).toEqual([3, 4, 6, 8, 9, 10]);
    expect(asked({ tools: ['fs/write'] })).toEqual([6]);
    expect(asked({ tools: ['f'] })).toEqual([]);
    expect(asked({ effect: 'deny' })).toEqual([6]);
    expect(asked({ agents: [worker.did], effect: 'allow', tools: ['fs/read_text_file'] })).toEqual([
      3, 8, 10,
    ]);
  });

  it('let only what was asked for disclose, and nothing where the bundle says so (AUD-58)', () => {
    const filter = { agents: [worker.did], effect: 'allow' as const };
    const show = OF_WORKER;
    const made = (disclose: number[], redaction: BundleSelection['redaction'] = 'full'): string =>
      refusal(byAgent({ show, disclose, selection: { filter, redaction } }));
    expect(made([3, 8, 10])).toBe('proven');
    expect(made([3, 6])).toMatch(/^redaction: entry 6/);
    for (const redaction of ['commitments', 'hashes'] as const) {
      expect(made([], redaction)).toBe('proven');
      expect(made([3], redaction)).toMatch(/^redaction: entry 3/);
    }
  });

  it('open what an outcome of such a call says', () => {
    const { member, disclosure } = commitTo('response_hash', 'ab'.repeat(32));
    const events = HONEST.map((one, i) =>
      i === 5 ? { event: { ...one.event, response_hash: member } as never, disclosures: [disclosure] } : one,
    );
    const relinked = (selection: Partial<BundleSelection>) =>
      refusal(byAgent({ show: OF_WORKER.filter((i) => i !== 6), disclose: [5], selection }), events);
    expect(relinked({ complete: [] })).toBe('proven');
    expect(relinked({ complete: [], filter: { agents: [worker.did], effect: 'deny' } })).toMatch(
      /^redaction: /,
    );
  });
});
