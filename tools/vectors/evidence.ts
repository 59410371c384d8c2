import { b64, b64url, type Data, flip, hex, jcs, type Members, sha256, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { ANCHOR, GATEWAY, NOW, STRANGER } from './chain.js';
import { commitment, EXPORTER, LOG_KEY, ORIGIN, type Recorded, record, STORY, uuid } from './events.js';
import { jws, type Party, party } from './keys.js';
import { checkpoint, consistency, inclusion, leafHash, note, treeRoot, vkey } from './tree.js';

const FORGER = party('forger');
export const RECORDED = record(STORY);

export function commitmentNoun(): Noun {
  const n = createNoun(
    'commitment',
    'the disclosure opens commitment (AUD-3). Invalid: PROOF_NOT_PROVEN, it does not.',
  );
  const salt = b64url(sha256('talos-vectors-v1 salt'));
  const values: [string, Data][] = [
    ['text', 'a \u20ac'],
    ['null', null],
    ['array', [{ op: 'read', scope: 'tool:fs' }]],
    ['object', { b: 1, a: [] }],
    ['empty', ''],
  ];
  const given = (value: Data, pointer = '/items') => ({
    disclosure: { pointer, salt, value },
    commitment: { $c: commitment(pointer, salt, value) },
  });
  for (const [id, value] of values) n.ok(id, 'AUD-3', id, given(value), { value });
  n.ok(
    'order',
    'AUD-3',
    'members in another order',
    { ...given({ a: 1, b: 2 }), disclosure: { pointer: '/items', salt, value: { b: 2, a: 1 } } },
    { value: { a: 1, b: 2 } },
  );
  const base = given('a');
  const change = (changes: Members): Members => ({ ...base, disclosure: { ...base.disclosure, ...changes } });
  const bad: [string, Members][] = [
    ['value', change({ value: 'b' })],
    ['type', change({ value: ['a'] })],
    ['pointer', change({ pointer: '/refusal' })],
    ['salt', change({ salt: b64url(sha256('other')) })],
    ['commitment', { ...base, commitment: { $c: hex(flip(Buffer.from(base.commitment.$c, 'hex'), 0)) } }],
    ['no-context', { ...base, commitment: { $c: hex(sha256(`/items\n${salt}\n"a"`)) } }],
    [
      'raw-salt',
      {
        ...base,
        commitment: { $c: hex(sha256('talos-commit-v1\n/items\n', Buffer.from(salt, 'base64url'), '\n"a"')) },
      },
    ],
    [
      'newline-pointer',
      { commitment: base.commitment, disclosure: { pointer: `/items\n${salt}`, salt, value: 'a' } },
    ],
  ];
  for (const [id, input] of bad) n.no(id, 'AUD-3', id, input, 'PROOF_NOT_PROVEN');
  return n.done();
}

export function inclusionNoun(): Noun {
  const n = createNoun(
    'inclusion',
    'leaf (hex data) is at index of the tree of size leaves with root (hex), by proof (hex, lowest level first) (AUD-11, AUD-17).',
  );
  for (const size of [1, 2, 3, 7, 8, 13]) {
    const data = Array.from({ length: size }, (_, i) => Buffer.from(`leaf ${i}`));
    const leaves = data.map((leaf) => leafHash(leaf));
    for (const index of new Set([0, size >> 1, size - 1])) {
      const given = {
        leaf: hex(data[index] as Buffer),
        index,
        size,
        root: hex(treeRoot(leaves)),
        proof: inclusion(leaves, index).map(hex),
      };
      n.ok(`${index}-of-${size}`, 'AUD-17', 'a leaf', given, { included: true });
      if (size !== 7 || index === 0) continue;
      const tampered: [string, Members][] = [
        ['index', { index: index - 1 }],
        ['size', { size: 4 }],
        ['leaf', { leaf: hex(Buffer.from('leaf x')) }],
        ['root', { root: hex(sha256('x')) }],
        ['short', { proof: given.proof.slice(1) }],
        ['long', { proof: [...given.proof, hex(sha256('x'))] }],
        ['reversed', { proof: [...given.proof].reverse() }],
        ['empty', { proof: [] }],
        ['index-beyond', { index: 7 }],
        [
          'leaf-is-node',
          { leaf: hex(Buffer.concat([Uint8Array.of(1), leaves[0] as Buffer, leaves[1] as Buffer])) },
        ],
      ];
      for (const [id, changes] of tampered)
        n.no(`${index}-${id}`, 'AUD-17', id, { ...given, ...changes }, 'PROOF_NOT_PROVEN');
    }
  }
  return n.done();
}

export function consistencyNoun(): Noun {
  const n = createNoun(
    'consistency',
    'the tree of newSize with newRoot continues that of oldSize with oldRoot, by proof (hex) (RFC 6962 section 2.1.2).',
  );
  const leaves = Array.from({ length: 13 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));
  const given = (old: number, size: number) => ({
    oldSize: old,
    newSize: size,
    oldRoot: hex(treeRoot(leaves.slice(0, old))),
    newRoot: hex(treeRoot(leaves.slice(0, size))),
    proof: consistency(leaves.slice(0, size), old).map(hex),
  });
  for (const [old, size] of [
    [1, 2],
    [2, 3],
    [3, 7],
    [4, 8],
    [6, 13],
    [8, 13],
    [13, 13],
  ] as const)
    n.ok(`${old}-${size}`, 'AUD-11', 'two sizes', given(old, size), { consistent: true });
  const base = given(6, 13);
  const bad: [string, Members][] = [
    ['old-root', { oldRoot: hex(sha256('x')) }],
    ['new-root', { newRoot: hex(sha256('x')) }],
    ['swapped', { oldSize: 13, newSize: 6 }],
    ['old-size', { oldSize: 5 }],
    ['new-size', { newSize: 8 }],
    ['short', { proof: base.proof.slice(1) }],
    ['long', { proof: [...base.proof, hex(sha256('x'))] }],
    ['empty', { proof: [] }],
    ['equal-with-proof', { ...given(13, 13), proof: [hex(sha256('x'))] }],
    ['equal-other-root', { ...given(13, 13), oldRoot: hex(sha256('x')) }],
  ];
  for (const [id, changes] of bad) n.no(id, 'AUD-11', id, { ...base, ...changes }, 'PROOF_NOT_PROVEN');
  return n.done();
}

const LEAVES = RECORDED.map(({ event }) => leafHash(jcs(event)));

export function checkpointNoun(): Noun {
  const n = createNoun(
    'checkpoint',
    'checkpoint is the signed note of the log origin with the key vkey (AUD-12); expect.root is hex.',
  );
  const trusted = { origin: ORIGIN, vkey: vkey(ORIGIN, LOG_KEY) };
  const given = (text: string, more: Members = {}): Members => ({
    checkpoint: text,
    ...trusted,
    ...more,
  });
  const good = checkpoint(ORIGIN, LEAVES, LOG_KEY);
  const root = hex(treeRoot(LEAVES));
  const foreign = note('x\n', 'witness.example/w', FORGER).split('\n')[2];
  n.ok('log', 'AUD-12', 'a checkpoint', given(good), { size: LEAVES.length, root });
  n.ok('cosigned', 'AUD-12', 'with a signature of somebody unknown', given(`${good}${foreign}\n`), {
    size: LEAVES.length,
    root,
  });
  n.ok('empty', 'AUD-12', 'of the empty tree', given(checkpoint(ORIGIN, [], LOG_KEY)), {
    size: 0,
    root: hex(treeRoot([])),
  });
  const body = `${ORIGIN}\n${LEAVES.length}\n${b64(treeRoot(LEAVES))}\n`;
  const signed = (text: string) => given(note(text, ORIGIN, LOG_KEY));
  const malformed: [string, Members][] = [
    ['size-zeros', signed(body.replace('\n7\n', '\n07\n'))],
    ['size-sign', signed(body.replace('\n7\n', '\n+7\n'))],
    ['size-text', signed(body.replace('\n7\n', '\nx\n'))],
    ['size-2-64', signed(body.replace('\n7\n', '\n18446744073709551616\n'))],
    ['root-short', signed(body.replace(b64(treeRoot(LEAVES)), b64(sha256('x').subarray(1))))],
    ['root-base64url', signed(`${ORIGIN}\n7\n${b64url(treeRoot(LEAVES))}\n`)],
    ['two-lines', signed(`${ORIGIN}\n7\n`)],
    ['no-signature', given(`${body}\n`)],
    ['crlf', given(good.replaceAll('\n', '\r\n'))],
    ['no-line-end', given(good.slice(0, -1))],
    ['empty', given('')],
  ];
  for (const [id, input] of malformed) n.no(id, 'AUD-12', id, input, 'MALFORMED');
  const bad: [string, Members][] = [
    ['other-key', given(checkpoint(ORIGIN, LEAVES, FORGER))],
    ['size-changed', given(good.replace('\n7\n', '\n8\n'))],
    ['root-changed', given(good.replace(b64(treeRoot(LEAVES)), b64(sha256('x'))))],
    ['other-origin', given(note(body.replace(ORIGIN, 'talos.example/log/other'), ORIGIN, LOG_KEY))],
    ['only-witness', given(`${body}\n${foreign}\n`)],
    ['origin-changed', given(good.replace(ORIGIN, 'talos.example/log/other'))],
  ];
  for (const [id, input] of bad) n.no(id, 'AUD-12', id, input, 'PROOF_NOT_PROVEN');
  return n.done();
}

export const TRUST: Members = {
  format: 'talos-trust-v1',
  logs: [{ origin: ORIGIN, vkey: vkey(ORIGIN, LOG_KEY) }],
  exporters: [EXPORTER.did],
  emitters: [GATEWAY.did],
  anchors: [ANCHOR],
};

export function receiptNoun(): Noun {
  const n = createNoun(
    'receipt',
    'receipt is verified with trust, a trust file (AUD-14, AUD-19). Every invalid one is not proven, whatever is wrong with it.',
  );
  const make = (index: number, changes: Members = {}, key: Party = LOG_KEY, recorded = RECORDED): Members => {
    const leaves = recorded.map(({ event }) => leafHash(jcs(event)));
    const { event, disclosures } = recorded[index] as Recorded;
    const proof = [
      `c2sp.org/tlog-proof@v1`,
      `index ${index}`,
      ...inclusion(leaves, index).map(b64),
      '',
      checkpoint(ORIGIN, leaves, key),
    ].join('\n');
    return {
      format: 'talos-receipt-v1',
      id: `rcp_${(event['id'] as string).slice(4)}`,
      event,
      disclosures,
      proof,
      ...changes,
    };
  };
  const given = (receipt: Members, trust: Members = TRUST) => ({ receipt, trust });
  for (const index of [0, 3, 5])
    n.ok(String(index), 'AUD-14', `the receipt of event ${index}`, given(make(index)), { proven: true });
  n.ok('undisclosed', 'AUD-14', 'a receipt that discloses nothing', given(make(3, { disclosures: [] })), {
    proven: true,
  });
  const good = make(3);
  const event = good['event'] as Members;
  const [first, second] = good['disclosures'] as Members[];
  const proof = good['proof'] as string;
  const bad: [string, Members, Members?][] = [
    ['effect', make(5, { event: { ...(RECORDED[5] as Recorded).event, effect: 'allow', code: null } })],
    ['time', { ...good, event: { ...event, time: '2026-09-21T14:13:24.000Z' } }],
    ['other-id', { ...good, id: `rcp_${uuid(4)}` }],
    ['other-event', { ...good, event: (RECORDED[4] as Recorded).event }],
    ['unknown-member', { ...good, verified: true }],
    ['format', { ...good, format: 'talos-receipt-v2' }],
    ['disclosure-value', { ...good, disclosures: [{ ...first, value: [] } as Members] }],
    ['disclosure-pointer', { ...good, disclosures: [{ ...first, pointer: '/refusal' } as Members] }],
    ['disclosure-twice', { ...good, disclosures: [first as Members, first as Members] }],
    ['disclosure-of-other', { ...good, disclosures: [{ ...second, pointer: '/items' } as Members] }],
    [
      'disclosure-of-nothing',
      { ...good, disclosures: [{ pointer: '/type', salt: b64url(sha256('x')), value: 'decision' }] },
    ],
    ['index', { ...good, proof: proof.replace('index 3', 'index 2') }],
    ['index-zeros', { ...good, proof: proof.replace('index 3', 'index 03') }],
    ['no-hashes', { ...good, proof: proof.replace(/index 3\n[\s\S]*?\n\n/, 'index 3\n\n') }],
    ['no-proof', without(good, 'proof')],
    ['forged', make(3, {}, FORGER)],
    [
      'trusts-other-log',
      good,
      {
        ...TRUST,
        logs: [{ origin: 'talos.example/log/other', vkey: vkey('talos.example/log/other', LOG_KEY) }],
      },
    ],
    ['trusts-no-log', good, { ...TRUST, logs: [] }],
    ['trusts-no-emitter', good, { ...TRUST, emitters: [STRANGER.did] }],
    [
      'other-origin',
      make(
        0,
        {},
        LOG_KEY,
        RECORDED.map((one, i) =>
          i === 0 ? { ...one, event: { ...one.event, origin: 'talos.example/log/other' } } : one,
        ),
      ),
    ],
  ];
  for (const [id, receipt, trust] of bad) n.no(id, 'AUD-14', id, given(receipt, trust), 'PROOF_NOT_PROVEN');
  return n.done();
}

/** What a bundle is made with; everything may be replaced to make a faulty one. */
export interface Making {
  readonly recorded?: readonly Recorded[];
  readonly from?: number;
  readonly to?: number;
  readonly log?: Party;
  readonly exporter?: Party;
  readonly entries?: (entries: Members[]) => Members[];
  readonly statement?: Members;
  readonly content?: Members;
}

/** What a bundle of the second form is made with. */
export interface SelectionMaking extends Making {
  /** Indexes of what is shown. */
  readonly show?: readonly number[];
  readonly earlier?: readonly number[];
  readonly selection?: Members;
}

/** The roots of the cover of AUD-51, as it is written there. */
function cover(leaves: readonly Uint8Array[], begin: number, end: number): string[] {
  if (begin === end) return [];
  let width = 1;
  while (begin % (width * 2) === 0 && begin + width * 2 <= end) width *= 2;
  return [b64url(treeRoot(leaves.slice(begin, begin + width))), ...cover(leaves, begin + width, end)];
}

/** The text of a bundle of the second form (AUD-50), sound unless told otherwise. */
export function selectionText(making: SelectionMaking = {}): string {
  const { recorded = RECORDED, from = 0, to = recorded.length, log = LOG_KEY } = making;
  const { show = recorded.map((_, index) => index), earlier = [], selection = {} } = making;
  const leaves = recorded.map(({ event }) => leafHash(jcs(event)));
  const entries = show.map((index, i) => ({
    before: cover(leaves, i === 0 ? 0 : (show[i - 1] as number) + 1, index),
    index,
    event: (recorded[index] as Recorded).event,
    disclosures: index >= from && index < to ? (recorded[index] as Recorded).disclosures : [],
  }));
  const content: Members = {
    format: 'talos-bundle-v2',
    anchors: [],
    checkpoint: checkpoint(ORIGIN, leaves, log),
    earlier: earlier.map((size) => ({
      size,
      consistency: consistency(leaves, size).map((node) => b64url(node)),
    })),
    entries: (making.entries ?? ((all) => all))(entries),
    range: { from, to },
    rest: cover(leaves, (show.at(-1) ?? -1) + 1, leaves.length),
    selection: { filter: {}, redaction: 'full', complete: [], endings: false, ...selection },
    ...making.content,
  };
  return stated(content, leaves, making);
}

/** The text of a bundle (AUD-16 to AUD-18), sound unless told otherwise. */
export function bundleText(making: Making = {}): string {
  const { recorded = RECORDED, from = 0, to = recorded.length, log = LOG_KEY } = making;
  const leaves = recorded.map(({ event }) => leafHash(jcs(event)));
  const entries = recorded.slice(from, to).map(({ event, disclosures }, i) => ({
    index: from + i,
    event,
    disclosures,
    proof: inclusion(leaves, from + i).map((node) => b64url(node)),
  }));
  const content: Members = {
    format: 'talos-bundle-v1',
    checkpoint: checkpoint(ORIGIN, leaves, log),
    range: { from, to },
    entries: (making.entries ?? ((all) => all))(entries),
    ...making.content,
  };
  return stated(content, leaves, making);
}

/** Signs content as a whole (AUD-18). */
function stated(content: Members, leaves: readonly Uint8Array[], making: Making): string {
  const { from = 0, to = leaves.length, exporter = EXPORTER } = making;
  const claims: Members = {
    iss: exporter.did,
    iat: NOW + 60,
    origin: ORIGIN,
    size: leaves.length,
    root: hex(treeRoot(leaves)),
    from,
    to,
    hash: hex(sha256(jcs(content))),
    ...making.statement,
  };
  return jcs({ ...content, statement: jws('talos-bundle+jwt', claims, exporter) });
}
