import type { TrustFile } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import type { ParsedChain } from '../capability/chain.js';
import { signRevocation } from '../capability/revocation.js';
import { signJws } from '../crypto/jws.js';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { formatTime } from '../encoding/time.js';
import { decodeUtf8, encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { formatNote, parseNote } from '../log/note.js';
import { formatVerifierKey } from '../log/note-key.js';
import { type SampleWitness, sampleWitness } from '../log/testing/reference.js';
import { signRevocationBelow } from '../revocation/below.js';
import {
  agent,
  chainEvent,
  commitTo,
  type Draft,
  decisionEvent,
  type ExportOptions,
  exportBundle,
  exporter,
  gateway,
  makeChain,
  NOW,
  nextId,
  ORIGIN,
  organisation,
  SID,
  sequence,
  sessionEvent,
  stranger,
  trustFile,
  worker,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { inspectBundle, verifyBundle } from './verify-bundle.js';

const trust = parseTrustFile(trustFile(), crypto);
const verify = (drafts: readonly Draft[], options: ExportOptions = {}, trusted = trust) =>
  verifyBundle(exportBundle(sequence(drafts), options), trusted, crypto);

/** What the verifier says of a log that must not pass: `check: reason`. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
    return `${error.data.caveat}: ${error.data.reason}`;
  }
  return 'proven';
}

const HEX = 'ab'.repeat(32);
const WRITE_DOCS = { scope: 'tool:fs/method:*/resource:/docs', ops: ['write' as const] };
/** A bearer chain that may write, valid for a day. */
const writer = makeChain({
  bearer: true,
  grants: [WRITE_DOCS],
  leaf: { exp: NOW + 86_400 },
  root: { exp: NOW + 86_400, grants: [WRITE_DOCS] },
});
const chain = makeChain({ calls: 3 });
const story = (): Draft[] => [
  chainEvent(chain),
  sessionEvent(chain),
  decisionEvent(chain),
  decisionEvent(chain),
];

describe('the bytes of a bundle', () => {
  it('are only read, also those of a Buffer, of which a slice is a view', () => {
    const exported = exportBundle(sequence(story()));
    const given = Buffer.from(exported);
    for (const _ of ['once', 'again']) expect(verifyBundle(given, trust, crypto).shown).toBe(4);
    inspectBundle(given, crypto);
    expect(given.equals(exported)).toBe(true);
  });
});

describe('verifyBundle with witnesses in the trust file (AUD-28)', () => {
  const [one, two] = [sampleWitness('w1.example', 11), sampleWitness('w2.example', 12)];
  const trusting = (quorum: number) => {
    const [log] = (JSON.parse(decodeUtf8(trustFile())) as TrustFile).logs as [TrustFile['logs'][number]];
    const witnesses = [one.vkey, two.vkey];
    return parseTrustFile(trustFile({ logs: [{ ...log, witnesses, quorum }] }), crypto);
  };
  const cosigned = (...by: SampleWitness[]): ExportOptions => ({
    tamper: (content) => {
      const { text, signatures } = parseNote(content.checkpoint);
      const more = by.map(({ cosigner }) => cosigner.cosign(text, NOW));
      content.checkpoint = formatNote({ text, signatures: [...signatures, ...more] });
    },
  });

  it('reports who had seen the checkpoint, and when', () => {
    expect(verify(story(), cosigned(one, two), trusting(2))).toMatchObject({
      cosignatures: [
        { name: 'w1.example', time: NOW },
        { name: 'w2.example', time: NOW },
      ],
      quorum: 2,
    });
    expect(verify(story(), cosigned(two), trusting(0))).toMatchObject({
      cosignatures: [{ name: 'w2.example' }],
      quorum: 0,
    });
    expect(verify(story(), cosigned(one))).toMatchObject({ cosignatures: [], quorum: 0 });
  });

  it('refuses what too few of them had seen', () => {
    expect(refusal(() => verify(story(), cosigned(one), trusting(2)))).toBe(
      'witnesses: 2 of 2 witnesses must have cosigned the checkpoint: this one is signed by only w1.example',
    );
    expect(refusal(() => verify(story(), {}, trusting(1)))).toContain('witnesses: ');
  });
});

describe('verifyBundle on an honest log (AUD-21, AUD-22, AUD-23)', () => {
  it('reports what was proven', () => {
    const denied = decisionEvent(chain, { members: { effect: 'deny', code: 'SCOPE_MISMATCH' } });
    const report = verify([...story(), denied, decisionEvent(chain)]);
    expect(report).toMatchObject({
      origin: ORIGIN,
      size: 6,
      from: 0,
      to: 6,
      emitters: [gateway.did],
      subjects: [worker.did],
      counts: { allowed: 3, denied: 1, recomputed: 3, unchecked: 0, outcomes: 0, revocations: 0 },
    });
    expect(report.root).toMatch(/^[0-9a-f]{64}$/);
  });

  it('proves a range in the middle, and counts what it could not hold against its chain', () => {
    const report = verify([...story(), decisionEvent(chain)], { from: 2, to: 5 });
    expect(report.counts).toMatchObject({ allowed: 3, unchecked: 3, recomputed: 0 });
  });

  it('does not count calls against limits when the start is missing', () => {
    const late = [chainEvent(makeChain()), ...story(), decisionEvent(chain), decisionEvent(chain)];
    expect(verify(late, { from: 1 }).counts).toMatchObject({ allowed: 4, recomputed: 4 });
  });

  it('accepts a bearer call of a bearer chain', () => {
    const key = makeChain({ bearer: true });
    const call = decisionEvent(key, { credential: { kind: 'bearer', sid: undefined, seq: undefined } });
    const clean = { ...call, members: { ...call.members, credential: { kind: 'bearer', cth: key.cth } } };
    expect(verify([chainEvent(key), clean]).counts.allowed).toBe(1);
  });

  it('passes over events that say nothing of others, and limits it cannot recount', () => {
    const daily = makeChain({ leaf: { limits: [{ per: 'day', calls: 1 }] } });
    const source = 'ab'.repeat(16);
    const denials: Draft = {
      type: 'denials',
      sub: null,
      members: { source, code: 'EXPIRED', minute: '2026-01-01T00:00:00.000Z', count: 2 },
    };
    const calls = [decisionEvent(daily), decisionEvent(daily)];
    expect(verify([chainEvent(daily), sessionEvent(daily), denials, ...calls]).counts.allowed).toBe(2);
  });

  it('refuses refusals that are summed up before they can have been counted', () => {
    const of = (minute: string) => {
      const members = { source: 'ab'.repeat(16), code: 'EXPIRED', minute, count: 2 };
      return refusal(() => verify([{ type: 'denials', sub: null, members }]));
    };
    expect(of('2031-01-01T00:00:00.000Z')).toContain('denials: entry 0: they sum up refusals of a minute');
    // How long a platform was down is not known, and a clock may have been set back.
    expect([of('2021-01-01T00:00:00.000Z'), of('2026-09-21T14:18:00.000Z')]).toEqual(['proven', 'proven']);
    expect(of('2026-09-21T14:19:00.000Z')).toContain('denials: ');
  });

  it('does not recompute what is not disclosed, and says so', () => {
    const hidden = decisionEvent(chain, { items: null });
    expect(verify([...story().slice(0, 2), hidden]).counts).toMatchObject({ allowed: 1, recomputed: 0 });
  });

  it('holds what stands open of a call against the grants, also if its items are not disclosed', () => {
    const hidden = (action: object, by = chain): string => {
      const members = { action: { method: 'tools/call', server: 'fs', tool: 'read_text_file', ...action } };
      const call = decisionEvent(by, { items: null, members });
      return refusal(() => verify([chainEvent(by), sessionEvent(by), call]));
    };
    expect(hidden({ server: 'payroll', tool: 'pay', op: 'write' })).toContain(
      'link 1 allows no read or write on tool:payroll/method:pay, yet the call was allowed',
    );
    const one = makeChain({ grants: [{ scope: 'tool:fs/method:read_*/resource:/docs', ops: ['read'] }] });
    expect(hidden({ tool: 'move_file', op: 'read' }, one)).toContain(
      'link 2 allows no read on tool:fs/method',
    );
    const writes = makeChain({ root: { grants: [WRITE_DOCS] }, grants: [WRITE_DOCS] });
    expect(hidden({ op: 'read' }, writes)).toContain('link 1 allows no read on tool:fs');
    // A tool that may write can be called so that it only reads (DEC-8).
    expect([hidden({ op: 'write' }), hidden({}), hidden({ op: 'read' }, one)]).toEqual(
      Array(3).fill('proven'),
    );
  });
});

describe('outcomes', () => {
  const withOutcome = (change: object = {}, twice = false): Draft[] => {
    const forged = nextId('evt');
    const call = { ...decisionEvent(chain), forge: { id: forged } };
    const members = {
      request: call.members['request'],
      decision: forged,
      status: 'completed',
      response_hash: null,
      ...change,
    };
    const outcome: Draft = { type: 'outcome', sub: worker.did, members };
    return [chainEvent(chain), sessionEvent(chain), call, outcome, ...(twice ? [outcome] : [])];
  };

  it('are counted with their decision', () => {
    expect(verify(withOutcome()).counts.outcomes).toBe(1);
  });

  it.each([
    ['of another request', withOutcome({ request: nextId('req') }), 'another request'],
    ['of no decision', withOutcome({ decision: nextId('evt') }), 'no allowed decision'],
    ['given twice', withOutcome({}, true), 'second one'],
  ])('are refused when %s', (_name, drafts, reason) => {
    expect(refusal(() => verify(drafts))).toContain(reason);
  });

  it('are refused when given twice, also in a part of the log', () => {
    expect(refusal(() => verify(withOutcome({}, true), { from: 1 }))).toContain('second one');
    expect(refusal(() => verify(withOutcome({}, true), { from: 3 }))).toContain('second one');
  });

  it('of decisions before the range are let be', () => {
    expect(verify(withOutcome(), { from: 3, to: 4 }).counts.outcomes).toBe(1);
  });
});

describe('a bundle changed after it was signed', () => {
  const bytes = exportBundle(sequence(story()));

  it('fails with any byte changed', { timeout: 120_000 }, () => {
    const step = Math.max(1, Math.floor(bytes.length / 400));
    for (let at = 0; at < bytes.length; at += step) {
      const copy = bytes.slice();
      copy[at] = (copy[at] as number) ^ 1;
      expect(
        refusal(() => verifyBundle(copy, trust, crypto)),
        `byte ${at}`,
      ).not.toBe('proven');
    }
  });

  const edit = (
    change: (bundle: { entries: unknown[]; range: { from: number; to: number } }) => void,
  ): Uint8Array => {
    const bundle = JSON.parse(decodeUtf8(bytes));
    change(bundle);
    return canonicalBytes(bundle);
  };

  it.each([
    ['dropped at the end', edit((b) => b.entries.pop())],
    ['dropped at the end, range mended', edit(dropLast)],
    ['dropped at the start, range mended', edit(dropFirst)],
    ['dropped in the middle', edit((b) => b.entries.splice(1, 1))],
    ['swapped', edit((b) => b.entries.splice(1, 2, b.entries[2], b.entries[1]))],
    ['repeated', edit((b) => b.entries.splice(1, 0, b.entries[1]))],
  ])('fails with an entry %s', (_name, copy) => {
    expect(refusal(() => verifyBundle(copy, trust, crypto))).toContain('statement');
  });

  it('fails with white space, another member order, a line end, or as no JSON at all', () => {
    const text = decodeUtf8(bytes);
    for (const copy of [
      `${text}\n`,
      ` ${text}`,
      text.replace('{"checkpoint"', '{ "checkpoint"'),
      text.slice(0, -1),
      'x',
      '',
    ]) {
      expect(refusal(() => verifyBundle(encodeUtf8(copy), trust, crypto))).toMatch(/^bundle: /);
    }
  });
});

describe('a dishonest operator who signs', () => {
  const swap: ExportOptions = { tamper: ({ entries }) => entries.splice(1, 2, entries[2], entries[1]) };

  it.each<[string, ExportOptions, string]>([
    ['swapped entries', swap, 'range'],
    ['a repeated entry', { tamper: ({ entries }) => entries.splice(1, 1, entries[0]) }, 'range'],
    ['a missing entry', { tamper: ({ entries }) => entries.splice(1, 1) }, 'range'],
    ['an empty range', { tamper: rangeTo(0) }, 'range'],
    ['a range beyond the checkpoint', { tamper: rangeTo(9) }, 'range'],
    ['a log forged under another key', { logSeed: 9 }, 'checkpoint'],
    ['an exporter nobody trusts', { exporter: stranger }, 'statement'],
    ['a log of another origin', { origin: 'other.test/1/default' }, 'checkpoint'],
  ])('cannot pass off %s', (_name, options, check) => {
    expect(refusal(() => verify(story(), options))).toMatch(new RegExp(`^${check}`));
  });

  it('cannot put another event under an inclusion proof', () => {
    const tamper: ExportOptions['tamper'] = ({ entries }) => {
      const [entry] = entries as { event: { time: string } }[];
      if (entry !== undefined) entry.event = { ...entry.event, time: formatTime((NOW + 1) * 1000) };
    };
    expect(refusal(() => verify(story(), { tamper }))).toContain('chain event');
  });

  it('cannot sign what no verifier would read', () => {
    expect(() => verify(story(), { tamper: ({ entries }) => entries.splice(0) })).toThrow(TypeError);
  });

  it('cannot state more than a statement states', () => {
    const bundle = JSON.parse(decodeUtf8(exportBundle(sequence(story()))));
    const statement = signJws({ typ: 'talos-bundle+jwt', claims: { iss: exporter.did } }, exporter);
    const copy = canonicalBytes({ ...bundle, statement });
    expect(refusal(() => verifyBundle(copy, trust, crypto))).toContain('claims of a bundle');
  });

  it('cannot reuse a statement about another bundle', () => {
    const [one, two] = [exportBundle(sequence(story())), exportBundle(sequence(story()))].map((bytes) =>
      JSON.parse(decodeUtf8(bytes)),
    );
    const mixed = canonicalBytes({ ...one, statement: two.statement });
    expect(refusal(() => verifyBundle(mixed, trust, crypto))).toContain('another bundle');
  });
});

describe('continuity (AUD-21)', () => {
  const events = (change: (drafts: Draft[]) => Draft[]) => refusal(() => verify(change(story())));
  const forge =
    (index: number, members: object) =>
    (drafts: Draft[]): Draft[] =>
      drafts.map((draft, at) => (at === index ? { ...draft, forge: { ...members } } : draft));

  it.each([
    ['eseq', forge(1, { eseq: 3 })],
    ['eseq', forge(0, { eseq: 2 })],
    ['prev', forge(0, { prev: 'ab'.repeat(32) })],
    ['prev', forge(2, { prev: 'ab'.repeat(32) })],
    ['pseq', forge(3, { principal: { sub: worker.did, pseq: 7 } })],
    ['pseq', forge(1, { principal: { sub: worker.did, pseq: 2 } })],
    ['origin', forge(1, { origin: 'other.test/1/default' })],
    ['emitter', forge(1, { emitter: stranger.did })],
    ['time', forge(3, { time: formatTime((NOW - 6) * 1000) })],
  ])('refuses a log whose %s does not continue', (check, change) => {
    expect(events(change)).toMatch(new RegExp(`^${check}: `));
  });

  it('forgives a clock that was set back a little', () => {
    expect(events(forge(3, { time: formatTime((NOW - 4) * 1000) }))).toBe('proven');
    const back = (seconds: number) => ({ time: formatTime((NOW - seconds) * 1000) });
    expect(events((drafts) => forge(3, back(6))(forge(2, back(3))(drafts)))).toMatch(/^time: /);
  });
});

describe('what events say of each other (AUD-22)', () => {
  const open = [chainEvent(chain), sessionEvent(chain)];
  const bearer = makeChain({ bearer: true });
  const other = makeChain({ leaf: { jti: 'another' } });
  const widened = makeChain({ grants: [{ scope: 'tool:fs', ops: ['read', 'write'] }] });

  it.each<[string, Draft[], string]>([
    [
      'a chain under another hash',
      [{ ...chainEvent(chain), members: { cth: other.cth, chain: chain.chain } }],
      'does not hash',
    ],
    [
      'a call without capability',
      [...open, decisionEvent(chain, { credential: { kind: 'none', cth: undefined } })].map(stripUndefined),
      'without a capability',
    ],
    ['a chain logged twice', [chainEvent(chain), chainEvent(chain)], 'logged twice'],
    ['two events with one id', sameId(), 'one id'],
    ['a chain that was never logged', [...open, decisionEvent(other)], 'another chain'],
    ['a bearer call whose chain was never logged', [...open, bearerCall(bearer.cth)], 'never logged'],
    ['a session that was never opened', [chainEvent(chain), decisionEvent(chain)], 'never logged'],
    ['a session number used twice', [...open, ...twice()], 'used twice'],
    ['a session opened twice', [...open, sessionEvent(chain)], 'opened twice'],
    [
      'a session call without number',
      [...open, stripUndefined(decisionEvent(chain, { credential: { seq: undefined } }))],
      'without its session',
    ],
    ['another subject', [...open, decisionEvent(chain, { sub: agent.did })], 'another subject'],
    ['a key that is no bearer key', [...open, bearerCall(chain.cth)], 'no bearer key'],
    ['an expired link', [...open, decisionEvent(chain, { at: 931 })], 'EXPIRED'],
    [
      'a write under a read grant',
      [
        ...open,
        decisionEvent(chain, {
          items: [{ scope: 'tool:fs/method:read_text_file/resource:/docs/a', op: 'write' }],
        }),
      ],
      'link 1 does not allow write',
    ],
    [
      'a path outside',
      [
        ...open,
        decisionEvent(chain, {
          items: [{ scope: 'tool:fs/method:read_text_file/resource:/etc', op: 'read' }],
        }),
      ],
      'does not allow read',
    ],
    [
      'a widened link',
      [
        chainEvent(widened),
        sessionEvent(widened),
        decisionEvent(widened, { items: [{ scope: 'tool:fs/method:read_text_file', op: 'write' }] }),
      ],
      'link 1',
    ],
    ['items that are no list', [...open, decisionEvent(chain, { items: 'x' })], 'no list'],
    [
      'one call too many',
      [...open, ...Array.from({ length: 4 }, () => decisionEvent(chain))],
      'call 4 was allowed',
    ],
    [
      'a denial without code',
      [...open, decisionEvent(chain, { members: { effect: 'deny' } })],
      'without a code',
    ],
    ...[{ pin: HEX }, { forwarded_hash: { $c: HEX } }].map((sent): [string, Draft[], string] => [
      `a denial with ${Object.keys(sent).join()}, as only what was sent on has`,
      [...open, decisionEvent(chain, { members: { effect: 'deny', code: 'EXPIRED', ...sent } })],
      'a denial of a call that was sent',
    ]),
    [
      'an allowed call with a code',
      [...open, decisionEvent(chain, { members: { code: 'EXPIRED' } })],
      'with a refusal in it',
    ],
    [
      'an allowed call with a refusal',
      [...open, decisionEvent(chain, { members: { refusal: { $c: HEX } } })],
      'with a refusal in it',
    ],
    [
      'an allowed call without a pin',
      [...open, decisionEvent(chain, { members: { pin: null } })],
      'no pinned tool',
    ],
    [
      'an allowed call without items',
      [...open, decisionEvent(chain, { items: null, members: { items: null } })],
      'names no items',
    ],
    [
      'an allowed call of another surface',
      [...open, decisionEvent(chain, { members: { surface: 'admin' } })],
      'names no items',
    ],
    [
      'a call that names no tool',
      [...open, decisionEvent(chain, { members: { action: { method: 'tools/call' } } })],
      'MALFORMED',
    ],
    [
      'a call of a tool that names a model as well',
      [
        ...open,
        decisionEvent(chain, {
          members: {
            action: { method: 'tools/call', server: 'fs', tool: 'read_text_file', model: 'gpt-4o' },
          },
        }),
      ],
      'both a tool and a model',
    ],
    ['a call without any item', [...open, decisionEvent(chain, { items: [] })], 'no list of some'],
    [
      'items of another tool than the call',
      [
        ...open,
        decisionEvent(chain, { items: [{ scope: 'tool:fs/method:read_text/resource:/docs/a', op: 'read' }] }),
      ],
      'another tool',
    ],
    [
      'a write dispatched twice under one rid',
      [chainEvent(writer), write('a'), write('a')],
      'twice under one rid',
    ],
    [
      'a denial booked on another subject',
      [...open, decisionEvent(chain, { sub: agent.did, members: { effect: 'deny', code: 'EXPIRED' } })],
      'another subject',
    ],
    [
      'a denial booked on somebody who proved nothing',
      [
        decisionEvent(undefined, {
          members: { effect: 'deny', code: 'EXPIRED', credential: { kind: 'none' } },
        }),
      ],
      'proved nothing',
    ],
    [
      'a denial that cites a chain never logged',
      [decisionEvent(other, { members: { effect: 'deny', code: 'EXPIRED' } })],
      'proved nothing',
    ],
    [
      'an event of another tenant',
      [...open, { ...decisionEvent(chain), forge: { tenant: 'other' } }],
      'another tenant',
    ],
    [
      'a log of another tenant than its anchors',
      story().map((draft) => ({ ...draft, forge: { tenant: 'other' } })),
      'another tenant',
    ],
    ['a start that found another size', [opened(1, 7)], 'found 7 events'],
    ['a start with the number of the last', [opened(2, 0), opened(2, 1)], 'start 2 follows 2'],
    ['a start with a lower number', [opened(2, 0), opened(1, 1)], 'start 1 follows 2'],
    ['a capability issued under a chain never logged', [issued(chain, chain.leaf.lid)], 'never logged'],
    [
      'a capability issued under another link',
      [chainEvent(chain), issued(chain, chain.root.lid)],
      'is another',
    ],
    ['a holder who may not act', invokeFalse(), 'not act'],
    ['a chain for another gateway', elsewhere(), 'other gateways'],
    [
      'a call after its link was revoked',
      [...open, revocation(chain.leaf.lid, 5), decisionEvent(chain, { at: 7 })],
      'REVOKED',
    ],
    [
      'a call after its root was revoked',
      [...open, revocation(chain.root.lid, 5), decisionEvent(chain, { at: 7 })],
      'REVOKED',
    ],
    [
      'REV-2 a call after what its issuer handed on was revoked',
      [...open, below({}, 5), below({}, 5), decisionEvent(chain, { at: 7 })],
      'REVOKED',
    ],
    [
      'REV-2 a call after all roots of their issuer were revoked',
      [
        ...open,
        below({ below: organisation.did, as: 'issuer', point: null }, 5),
        decisionEvent(chain, { at: 7 }),
      ],
      'REVOKED',
    ],
  ])('refuses %s', (_name, drafts, reason) => {
    expect(refusal(() => verify(drafts))).toContain(reason);
  });

  it('REV-2 lets a call stand that a rule does not reach, or did not yet', () => {
    const elsewhere = [
      below({ below: worker.did }, 5),
      below({ point: chain.leaf.lid }, 5),
      below({ below: organisation.did, point: null }, 5),
    ];
    expect(verify([...open, ...elsewhere, decisionEvent(chain, { at: 7 })]).counts.allowed).toBe(1);
    expect(verify([...open, below({}, 5), decisionEvent(chain, { at: 6 })]).counts.allowed).toBe(1);
  });

  it('lets a call stand that was decided within the second a revocation takes', () => {
    expect(
      verify([
        ...open,
        revocation(chain.leaf.lid, 5),
        revocation(chain.leaf.lid, 5),
        decisionEvent(chain, { at: 6 }),
      ]).counts,
    ).toMatchObject({ allowed: 1, revocations: 2 });
  });

  it('refuses a root no anchor of the trust file issued', () => {
    const others = parseTrustFile(trustFile({ anchors: [] }), crypto);
    expect(refusal(() => verify(story(), {}, others))).toContain('UNTRUSTED_ISSUER');
  });

  it('refuses an emitter no trust file names', () => {
    const others = parseTrustFile(trustFile({ emitters: [stranger.did] }), crypto);
    expect(refusal(() => verify(story(), {}, others))).toMatch(/^emitter/);
  });
});

describe('policies that changed (AUD-19, AUD-22)', () => {
  const [OLD, NEW, UNLISTED] = ['01', '02', '03'].map((byte) => byte.repeat(32)) as [string, string, string];
  const anchor = (ops: string[], more: object = {}) => ({
    iss: organisation.did,
    tenant: 'default',
    grants: [{ scope: 'tool:*', ops }],
    ...more,
  });
  const trusting = (old: object[], current: object[], rest: object[] = []) =>
    parseTrustFile(
      trustFile({
        anchors: rest,
        policies: [
          { policy: OLD, anchors: old },
          { policy: NEW, anchors: current },
        ],
      } as never),
      crypto,
    );
  const key = makeChain({ bearer: true });
  const by = (policy: string, members: object = {}): Draft =>
    decisionEvent(undefined, {
      members: { credential: { kind: 'bearer', cth: key.cth }, policy, ...members },
    });
  const denied = { effect: 'deny', code: 'UNTRUSTED_ISSUER' };
  const say = (drafts: readonly Draft[], trusted: ReturnType<typeof trusting>) =>
    refusal(() => verify([chainEvent(key), ...drafts], {}, trusted));

  it('hold each decision against the anchors of its own policy', () => {
    const narrowed = trusting([anchor(['read'])], [anchor(['write'])]);
    expect(say([by(OLD), by(OLD)], narrowed)).toBe('proven');
    expect(say([by(OLD), by(NEW)], narrowed)).toContain('link 0 does not allow read');
    expect(say([by(OLD), by(NEW), by(NEW)], trusting([anchor(['write'])], [anchor(['read'])]))).toContain(
      'link 0 does not allow read',
    );
  });

  it('let what was allowed before an anchor was removed stand, and nothing after', () => {
    const removed = trusting([anchor(['read'])], []);
    expect(say([by(OLD), by(NEW, denied)], removed)).toBe('proven');
    expect(say([by(OLD), by(NEW)], removed)).toContain('UNTRUSTED_ISSUER');
    expect(say([by(OLD), by(UNLISTED)], removed)).toContain('UNTRUSTED_ISSUER');
    expect(say([by(UNLISTED)], trusting([], [], [anchor(['read'])]))).toBe('proven');
    expect(say([by(OLD)], trusting([], [], [anchor(['read'])]))).toContain('UNTRUSTED_ISSUER');
  });

  it('let a bearer key live as long as the policy of its call says', () => {
    const shortened = trusting([anchor(['read'])], [anchor(['read'], { bearerMax: 60 })]);
    expect(say([by(OLD)], shortened)).toBe('proven');
    expect(say([by(OLD), by(NEW)], shortened)).toContain('DELEGATION_INVALID');
    expect(say([], trusting([anchor(['read'], { bearerMax: 0 })], []))).toContain('DELEGATION_INVALID');
  });

  it('give the tenant of their own anchor', () => {
    const moved = trusting([anchor(['read'])], [anchor(['read'], { tenant: 'other' })]);
    expect(say([by(OLD)], moved)).toBe('proven');
    expect(say([by(NEW)], moved)).toContain('another tenant');
    expect(say([by(NEW, denied)], moved)).toContain('another tenant');
  });

  it('count calls of an anchor over all of them', () => {
    const limits = (calls: number) => ({ limits: [{ per: 'total', calls }] });
    const tightened = trusting([anchor(['read'], limits(3))], [anchor(['read'], limits(2))]);
    expect(say([by(OLD), by(NEW)], tightened)).toBe('proven');
    expect(say([by(OLD), by(OLD), by(OLD)], tightened)).toBe('proven');
    expect(say([by(OLD), by(OLD), by(NEW)], tightened)).toContain('call 3 was allowed');
  });

  it('let a signed revocation stand whose anchor is gone', () => {
    const jws = signRevocation({ chain: key }, agent, {
      crypto,
      now: () => NOW,
      randomBytes: (n) => new Uint8Array(n),
    });
    const members = { lid: key.leaf.lid, by: 'issuer', revocation: jws, chain_hash: key.cth };
    const revoked: Draft = { type: 'revocation', sub: null, members };
    expect(say([by(OLD), revoked], trusting([anchor(['read'])], []))).toBe('proven');
    const never = trusting([], []);
    expect(refusal(() => verify([revoked], {}, never))).toContain('UNTRUSTED_ISSUER');
  });

  it('are each listed once, with at most one anchor of an issuer', () => {
    const twice = [OLD, OLD].map((policy) => ({ policy, anchors: [] }));
    expect(() => parseTrustFile(trustFile({ policies: twice }), crypto)).toThrow(/twice/);
    const many = Array.from({ length: 4097 }, (_, i) => ({
      policy: i.toString(16).padStart(64, '0'),
      anchors: [],
    }));
    expect(() => parseTrustFile(trustFile({ policies: many }), crypto)).toThrow(/4096/);
    expect(parseTrustFile(trustFile({ policies: many.slice(1) }), crypto).anchorsOf(OLD).size).toBe(1);
    expect(() => trusting([anchor(['read']), anchor(['write'])], [])).toThrow(/two trust anchors/);
  });
});

describe('who was refused on the admin surface', () => {
  const refused = (members: object) =>
    decisionEvent(undefined, {
      sub: null,
      members: { effect: 'deny', surface: 'admin', credential: { kind: 'bearer' }, ...members },
    });

  it('showed nothing that counts, or is named', () => {
    const drafts = [refused({ code: 'UNAUTHENTICATED' }), refused({ code: 'FORBIDDEN', actor: ACTOR })];
    expect(verify(drafts).counts.denied).toBe(2);
  });

  it.each([
    ['where agents call', refused({ code: 'FORBIDDEN', surface: 'mcp' })],
    ['where sessions are opened', refused({ code: 'UNAUTHENTICATED', surface: 'session' })],
    ['by name where agents call', refused({ code: 'EXPIRED', surface: 'mcp', actor: ACTOR })],
  ])('is not believed %s', (_name, draft) => {
    expect(refusal(() => verify([draft]))).toContain('as if an agent called');
  });
});

describe('what an administrator did', () => {
  const { members } = revocation(chain.leaf.lid, 0);
  const drafts: Draft[] = [
    { ...revocation(chain.leaf.lid, 0), members: { ...members, actor: ACTOR } },
    below({ actor: ACTOR }, 0),
    { type: 'policy.loaded', sub: null, at: 0, members: { policy: 'cd'.repeat(32) } },
    { type: 'policy.loaded', sub: null, at: 0, members: { policy: 'cd'.repeat(32), actor: ACTOR } },
  ];

  it('may say who it was', () => {
    expect(verify(drafts).counts.revocations).toBe(2);
  });
});

describe('a signed revocation (CAP-25)', () => {
  const signed = (signer = agent, lid = chain.leaf.lid, by = 'issuer', iat = NOW): Draft => {
    const jws = signRevocation({ chain }, signer, {
      crypto,
      now: () => iat,
      randomBytes: (n) => new Uint8Array(n),
    });
    return { type: 'revocation', sub: null, members: { lid, by, revocation: jws, chain_hash: chain.cth } };
  };

  it('passes when it says what the event says, and of a subject and an ancestor too', () => {
    const drafts = [
      chainEvent(chain),
      signed(),
      signed(worker, chain.leaf.lid, 'subject'),
      signed(organisation, chain.leaf.lid, 'ancestor'),
      {
        ...revocation(chain.leaf.lid, 0),
        members: { lid: chain.leaf.lid, by: 'issuer', revocation: null, chain_hash: chain.cth },
      },
    ];
    expect(verify(drafts).counts.revocations).toBe(4);
  });

  it.each<[string, Draft, string]>([
    ['by a stranger', signed(stranger), 'DELEGATION_INVALID'],
    ['of another link', signed(agent, chain.root.lid), 'something else'],
    ['by another right', signed(agent, chain.leaf.lid, 'subject'), 'something else'],
    ['of the future', signed(agent, chain.leaf.lid, 'issuer', NOW + 100), 'NOT_YET_VALID'],
    [
      'that is none',
      { ...signed(), members: { ...signed().members, revocation: `${chain.leaf.jws}` } },
      'MALFORMED',
    ],
    [
      'without the chain it names',
      { ...signed(), members: { ...signed().members, chain_hash: null } },
      'without a chain',
    ],
    ['that an administrator signed', signed(agent, chain.leaf.lid, 'administrator'), 'without a chain'],
    [
      'that names an administrator too',
      { ...signed(), members: { ...signed().members, actor: ACTOR } },
      'needs no administrator',
    ],
  ])('is refused %s', (_name, draft, reason) => {
    expect(refusal(() => verify([chainEvent(chain), draft]))).toContain(reason);
  });
});

describe('a signed revocation below a DID (REV-3)', () => {
  const signed = (signer = organisation, changes: object = {}, by = 'issuer'): Draft => {
    const options = { chain, link: 1, below: agent.did, as: 'subject' } as const;
    const deps = { crypto, now: () => NOW, randomBytes: (n: number) => new Uint8Array(n) };
    const revocation = signRevocationBelow(options, signer, deps);
    return below({ by, revocation, chain_hash: chain.root.lid, ...changes }, 0);
  };

  it('passes when it says what the event says', () => {
    const drafts = [
      chainEvent(chain),
      signed(),
      signed(agent, {}, 'subject'),
      signed(agent, { revocation: null }),
    ];
    expect(verify(drafts).counts.revocations).toBe(3);
  });

  it.each<[string, Draft, string]>([
    ['by a stranger', signed(stranger), 'DELEGATION_INVALID'],
    ['from below the point', signed(worker), 'DELEGATION_INVALID'],
    ['of another DID', signed(organisation, { below: worker.did }), 'something else'],
    ['at another point', signed(organisation, { point: chain.leaf.lid }), 'something else'],
    ['by another right', signed(organisation, {}, 'subject'), 'something else'],
    ['without the chain it names', signed(organisation, { chain_hash: null }), 'without a chain'],
    [
      'that an administrator signed',
      signed(organisation, { chain_hash: null }, 'administrator'),
      'something else',
    ],
    ['below no link', signed(organisation, { point: null, revocation: null }), 'below no link'],
    ['that names an administrator too', signed(organisation, { actor: ACTOR }), 'needs no administrator'],
    ['that is none', signed(organisation, { revocation: chain.leaf.jws }), 'MALFORMED'],
  ])('is refused %s', (_name, draft, reason) => {
    expect(refusal(() => verify([chainEvent(chain), draft]))).toContain(reason);
  });
});

describe('what else a log holds', () => {
  it('passes: starts, issued capabilities, denials of callers who proved something or nothing', () => {
    const none = decisionEvent(undefined, {
      sub: null,
      members: { effect: 'deny', code: 'EXPIRED', credential: { kind: 'none' } },
    });
    const denied = decisionEvent(chain, { members: { effect: 'deny', code: 'EXPIRED' } });
    const drafts = [
      opened(1, 0),
      chainEvent(chain),
      issued(chain, chain.leaf.lid),
      none,
      denied,
      opened(2, 5),
    ];
    expect(verify(drafts).counts).toMatchObject({ denied: 2 });
    expect(verify(drafts, { from: 2 }).counts).toMatchObject({ denied: 2 });
  });

  it('passes: a start after one that was killed before it wrote anything', () => {
    expect(refusal(() => verify([opened(1, 0), opened(3, 1)]))).toBe('proven');
  });

  it('passes: the same rid on another server, without one, and a day later', () => {
    const day = 86_400;
    const writes = [write('a'), write('b'), write(undefined), write('a', day)];
    expect(verify([chainEvent(writer), ...writes]).counts.allowed).toBe(4);
  });
});

describe('the proof in a session opening', () => {
  it.each<[string, Draft, string]>([
    [
      'for another chain',
      sessionEvent(chain, { proof: { cth: makeChain({ leaf: { jti: 'x' } }).cth } }),
      'another chain',
    ],
    ['for another request', sessionEvent(chain, { proof: { htm: 'GET' } }), 'another request'],
    ['for another gateway', sessionEvent(chain, { proof: { aud: stranger.did } }), 'another gateway'],
    ['of another time', sessionEvent(chain, { proof: { iat: NOW - 121 } }), 'another time'],
    ['by another key', sessionEvent(chain, { signer: stranger }), 'SIGNATURE_INVALID'],
    ['booked on another subject', sessionEvent(chain, { sub: agent.did }), 'another subject'],
    [
      'booked on somebody else who is accountable',
      { ...sessionEvent(chain), forge: { principal: { sub: worker.did, prn: 'user:other', pseq: 1 } } },
      'another subject',
    ],
  ])('is refused %s', (_name, draft, reason) => {
    expect(refusal(() => verify([chainEvent(chain), draft]))).toContain(reason);
  });

  it('is what has a subject, and so are calls; nothing else has (AUD-1)', () => {
    const booked = [{ ...chainEvent(chain), sub: worker.did }, sessionEvent(chain)];
    expect(refusal(() => verify(booked))).toBe('principal: entry 0: a chain event is booked on a subject');
  });

  it('cannot be held against a chain that lies after it, from the start or not', () => {
    const forged = sessionEvent(chain, { signer: stranger });
    const late = [forged, chainEvent(chain), decisionEvent(chain)];
    expect(refusal(() => verify(late))).toContain('never logged');
    const cut = { from: 1 };
    expect(refusal(() => verify([chainEvent(makeChain()), ...late], cut))).toContain('after an event');
    const call = bearerCall(chain.cth);
    expect(refusal(() => verify([chainEvent(makeChain()), call, chainEvent(chain)], cut))).toContain(
      'after an event',
    );
  });

  it('opens one session, before its calls, for an hour', () => {
    const long = makeChain({ root: { exp: NOW + 90_000 }, leaf: { exp: NOW + 90_000 } });
    const start = [chainEvent(long), sessionEvent(long)];
    const other = `ses_${'A'.repeat(38)}`;
    expect(refusal(() => verify([...start, sessionEvent(long, { sid: other })]))).toContain('two sessions');
    expect(refusal(() => verify([...start, decisionEvent(long, { at: 960 })]))).toBe('proven');
    expect(refusal(() => verify([...start, decisionEvent(long, { at: 961 })]))).toContain('had ended');
    const endless = { ...sessionEvent(long), forge: { exp: formatTime((NOW + 3661) * 1000) } };
    expect(refusal(() => verify([chainEvent(long), endless]))).toContain('longer than an hour');
    const early = [chainEvent(long), decisionEvent(long), sessionEvent(long)];
    expect(refusal(() => verify([chainEvent(chain), ...early], { from: 1 }))).toContain('after a call');
  });

  it('cannot be held against a chain that lies before the range', () => {
    expect(verify(story(), { from: 1 }).counts).toMatchObject({ allowed: 2, unchecked: 2 });
  });
});

describe('disclosures (AUD-3)', () => {
  const call = decisionEvent(chain);
  const [opened] = call.disclosures ?? [];
  const withDisclosures = (disclosures: unknown[]): Draft[] => [
    chainEvent(chain),
    sessionEvent(chain),
    { ...call, disclosures: disclosures as never },
  ];

  it.each([
    ['another value', [{ ...opened, value: [] }], 'does not open'],
    ['another salt', [{ ...opened, salt: commitTo('items', 1).disclosure.salt }], 'does not open'],
    ['the same twice', [opened, opened], 'twice'],
    ['a member that is no commitment', [{ ...opened, pointer: '/policy' }], 'no commitment'],
    ['a member that is not there', [{ ...opened, pointer: '/__proto__' }], 'no commitment'],
    ['a null member', [{ ...opened, pointer: '/refusal' }], 'no commitment'],
  ])('are refused with %s', (_name, disclosures, reason) => {
    expect(refusal(() => verify(withDisclosures(disclosures)))).toContain(reason);
  });
});

describe('inspectBundle (AUD-20)', () => {
  it('says what is consistent without trusting anything', () => {
    expect(inspectBundle(exportBundle(sequence(story())), crypto)).toMatchObject({
      origin: ORIGIN,
      from: 0,
      to: 4,
    });
  });

  it('refuses what is not even consistent', () => {
    const bytes = exportBundle(sequence(story()), {
      tamper: ({ entries }) => entries.splice(1, 2, entries[2], entries[1]),
    });
    expect(refusal(() => inspectBundle(bytes, crypto))).toMatch(/^range/);
  });

  it('passes on a bug as what it is', () => {
    expect(() => inspectBundle(undefined as never, crypto)).toThrow(TypeError);
  });
});

describe('parseTrustFile (AUD-19)', () => {
  it.each([
    ['an unknown member', { extra: 1 }],
    [
      'a key named after another log',
      { logs: [{ origin: 'other.test/1/default', vkey: JSON.parse(decodeUtf8(trustFile())).logs[0].vkey }] },
    ],
  ])('refuses %s', (_name, change) => {
    expect(() => parseTrustFile(trustFile(change as never), crypto)).toThrow(/trust file/);
  });

  it('keeps several keys of one log', () => {
    const [log] = JSON.parse(decodeUtf8(trustFile())).logs;
    const next = { ...log, vkey: formatVerifierKey(crypto.sha256, ORIGIN, stranger.publicKey) };
    const { logs } = parseTrustFile(trustFile({ logs: [log, next] }), crypto);
    expect(logs.get(ORIGIN)?.keys).toHaveLength(2);
  });
});

function stripUndefined(draft: Draft): Draft {
  return { ...draft, members: JSON.parse(JSON.stringify(draft.members)) };
}

function bearerCall(cth: string): Draft {
  return decisionEvent(undefined, { members: { credential: { kind: 'bearer', cth } } });
}

function twice(): Draft[] {
  const credential = { kind: 'session', cth: chain.cth, sid: SID, seq: 77 };
  return [
    decisionEvent(chain, { members: { credential } }),
    decisionEvent(chain, { members: { credential } }),
  ];
}

function sameId(): Draft[] {
  const id = nextId('evt');
  return [chainEvent(chain), sessionEvent(chain)].map((draft) => ({ ...draft, forge: { id } }));
}

function invokeFalse(): Draft[] {
  const idle = makeChain({ leaf: { invoke: false } });
  return [chainEvent(idle), sessionEvent(idle), decisionEvent(idle)];
}

function elsewhere(): Draft[] {
  const away = makeChain({ leaf: { aud: [stranger.did] } });
  return [chainEvent(away), sessionEvent(away), decisionEvent(away)];
}

function opened(boot: number, size: number): Draft {
  return { type: 'log.opened', sub: null, members: { boot, policy: HEX, size } };
}

function issued({ cth }: ParsedChain, lid: string): Draft {
  return { type: 'capability.issued', sub: null, members: { cth, lid } };
}

/** A write with a bearer key; `rid` is a letter. */
function write(rid: string | undefined, at = 0): Draft {
  const id = rid === undefined ? {} : { rid: `01890000-0000-7000-8000-00000000000${rid}` };
  return decisionEvent(undefined, {
    at,
    items: [{ scope: 'tool:fs/method:write_file/resource:/docs/a', op: 'write' }],
    members: {
      credential: { kind: 'bearer', cth: writer.cth, ...id },
      action: { method: 'tools/call', server: 'fs', tool: 'write_file', op: 'write' },
    },
  });
}

/** An administrator's rule below the agent, who holds the root. */
function below(changes: Record<string, unknown>, at: number): Draft {
  const rule = { below: agent.did, as: 'subject', point: chain.root.lid };
  const members = { ...rule, by: 'administrator', revocation: null, chain_hash: null, ...changes };
  return { type: 'revocation.below', sub: null, at, members };
}

function revocation(lid: string, at: number): Draft {
  return {
    type: 'revocation',
    sub: null,
    at,
    members: { lid, by: 'administrator', revocation: null, chain_hash: null },
  };
}

const ACTOR = { $c: 'ab'.repeat(32) };

type Content = { entries: unknown[]; range: { from: number; to: number } };

function rangeTo(to: number): (content: Content) => void {
  return ({ range }) => {
    range.to = to;
  };
}

function dropLast({ entries, range }: Content): void {
  entries.pop();
  range.to -= 1;
}

function dropFirst({ entries, range }: Content): void {
  entries.shift();
  range.from += 1;
}
