import { b64, b64url, flip, hex, type Members, sha256 } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { LOG_KEY, ORIGIN } from './events.js';
import { type Party, party } from './keys.js';
import { checkpoint, consistency, leafHash, treeRoot, vkey } from './tree.js';

const ONE = party('witness one');
const TWO = party('witness two');
const THREE = party('witness three');
const FORGER = party('forger');
const TIME = 1_790_000_000;
const [NAME_ONE, NAME_TWO, NAME_THREE] = ['one', 'two', 'three'].map((name) => `witness.example/${name}`) as [
  string,
  string,
  string,
];

function cosignerId(name: string, key: Party): Buffer {
  return sha256(`${name}\n`, Uint8Array.of(4), key.publicKey).subarray(0, 4);
}

/** The verifier key of a witness (C2SP tlog-cosignature). */
function cosignerKey(name: string, key: Party): string {
  const encoded = b64(Buffer.concat([Uint8Array.of(4), key.publicKey]));
  return `${name}+${hex(cosignerId(name, key))}+${encoded}`;
}

function line(name: string, id: Uint8Array, time: bigint, signature: Uint8Array): string {
  const stated = Buffer.alloc(8);
  stated.writeBigUInt64BE(time);
  return `\u2014 ${name} ${b64(Buffer.concat([id, stated, signature]))}\n`;
}

/** A cosignature over the text of a note, as a line of it. */
function cosign(note: string, name: string, key: Party, time = TIME): string {
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  return line(name, cosignerId(name, key), BigInt(time), key.sign(`cosignature/v1\ntime ${time}\n${text}`));
}

const LEAVES = Array.from({ length: 13 }, (_, i) => leafHash(`leaf ${i}`));
const FORKED = LEAVES.with(2, leafHash('rewritten'));

export function cosignatureNoun(): Noun {
  const n = createNoun(
    'cosignature',
    'checkpoint is a note of the log origin with the key vkey; witnesses are the keys of its witnesses, of whom quorum must have cosigned (AUD-26, AUD-28). expect.cosigned has who did, in the order of the note, each once, and the time in Unix seconds.',
  );
  const good = checkpoint(ORIGIN, LEAVES, LOG_KEY);
  const one = cosign(good, NAME_ONE, ONE);
  const two = cosign(good, NAME_TWO, TWO, TIME + 1);
  const three = cosign(good, NAME_THREE, THREE, 0);
  const witnesses = [cosignerKey(NAME_ONE, ONE), cosignerKey(NAME_TWO, TWO), cosignerKey(NAME_THREE, THREE)];
  const given = (lines: string, quorum: number, more: Members = {}): Members => ({
    checkpoint: `${good}${lines}`,
    origin: ORIGIN,
    vkey: vkey(ORIGIN, LOG_KEY),
    witnesses,
    quorum,
    ...more,
  });
  const [saidOne, saidTwo, saidThree] = [
    { name: NAME_ONE, time: TIME },
    { name: NAME_TWO, time: TIME + 1 },
    { name: NAME_THREE, time: 0 },
  ] as [Members, Members, Members];
  const stranger = cosign(good, 'witness.example/stranger', FORGER);
  const impostor = cosign(good, NAME_THREE, FORGER);
  const ok = (id: string, note: string, input: Members, cosigned: Members[]) =>
    n.ok(id, 'AUD-28', note, input, { cosigned });
  ok('all', 'all cosigned', given(one + two + three, 3), [saidOne, saidTwo, saidThree]);
  ok('two-of-three', 'two of three', given(two + one, 2), [saidTwo, saidOne]);
  ok('none', 'no quorum, nobody cosigned', given('', 0), []);
  ok('no-quorum', 'who cosigned is told without a quorum', given(one, 0), [saidOne]);
  ok('unknown-keys', 'unknown keys count for nothing', given(stranger + one + impostor, 1), [saidOne]);
  ok('twice', 'the first of one witness counts', given(one + cosign(good, NAME_ONE, ONE, 5), 1), [saidOne]);
  const latest = cosign(good, NAME_ONE, ONE, Number.MAX_SAFE_INTEGER);
  ok('latest', 'the latest time', given(latest, 1), [{ name: NAME_ONE, time: Number.MAX_SAFE_INTEGER }]);

  const no = (id: string, input: Members) => n.no(id, 'AUD-28', id, input, 'PROOF_NOT_PROVEN');
  no('too-few', given(one, 2));
  no('nobody', given('', 1));
  no('counted-twice', given(one + one, 2));
  no('counted-twice-two-times', given(one + cosign(good, NAME_ONE, ONE, 5), 2));
  no('impostor', given(one + impostor, 2));
  no('log-is-no-witness', given(good.split('\n\n')[1] as string, 1));
  const other = checkpoint('talos.example/log/other', LEAVES, LOG_KEY);
  no('another-origin', given(cosign(other, NAME_ONE, ONE), 1));
  no('another-size', given(cosign(checkpoint(ORIGIN, LEAVES.slice(1), LOG_KEY), NAME_ONE, ONE), 1));
  no('another-root', given(cosign(checkpoint(ORIGIN, FORKED, LOG_KEY), NAME_ONE, ONE), 1));
  no('bad-beside-good', given(one + two + cosign(other, NAME_THREE, THREE), 2));
  const text = good.slice(0, good.indexOf('\n\n') + 1);
  const signature = ONE.sign(`cosignature/v1\ntime ${TIME}\n${text}`);
  const id = cosignerId(NAME_ONE, ONE);
  no('time-changed', given(line(NAME_ONE, id, BigInt(TIME + 1), signature), 1));
  no(
    'time-2-53',
    given(line(NAME_ONE, id, 2n ** 53n, ONE.sign(`cosignature/v1\ntime ${2 ** 53}\n${text}`)), 1),
  );
  no('bit-turned', given(line(NAME_ONE, id, BigInt(TIME), flip(signature, 9)), 1));
  no('short', given(line(NAME_ONE, id, BigInt(TIME), signature.subarray(1)), 1));
  no('long', given(line(NAME_ONE, id, BigInt(TIME), Buffer.concat([signature, Buffer.alloc(1)])), 1));
  no('plain-signature', given(line(NAME_ONE, id, BigInt(TIME), ONE.sign(text)), 1));
  no('no-log', given(one + two, 2, { checkpoint: `${text}\n${one}${two}` }));

  const wrong = (name: string, more: Members) => n.no(name, 'AUD-28', name, given(one, 0, more), 'MALFORMED');
  wrong('key-twice', { witnesses: [witnesses[0] as string, witnesses[0] as string] });
  wrong('key-under-two-names', { witnesses: [witnesses[0] as string, cosignerKey('alias.example', ONE)] });
  wrong('quorum-of-more', { quorum: 4 });
  wrong('quorum-negative', { quorum: -1 });
  wrong('key-of-a-log', { witnesses: [vkey(NAME_ONE, ONE)] });
  wrong('key-id', { witnesses: [(witnesses[0] as string).replace(/\+[0-9a-f]{8}\+/, '+00000000+')] });
  return n.done();
}

export function splitViewNoun(): Noun {
  const n = createNoun(
    'split-view',
    'evidence proves that the log origin with the key vkey showed two histories (AUD-29); expect has the sizes of its two checkpoints.',
  );
  const seen = (leaves: readonly Uint8Array[], size: number, origin = ORIGIN, key = LOG_KEY): string =>
    checkpoint(origin, leaves.slice(0, size), key);
  const make = (older: number, newer: number, more: Members = {}): Members => ({
    format: 'talos-split-view-v1',
    older: seen(LEAVES, older),
    newer: seen(FORKED, newer),
    prefix: b64url(treeRoot(FORKED.slice(0, older))),
    proof: consistency(FORKED.slice(0, newer), older).map(b64url),
    ...more,
  });
  const given = (evidence: Members): Members => ({ evidence, origin: ORIGIN, vkey: vkey(ORIGIN, LOG_KEY) });
  for (const [older, newer] of [
    [3, 3],
    [13, 13],
    [3, 13],
    [7, 12],
    [8, 13],
    [4, 8],
  ] as const)
    n.ok(`${older}-${newer}`, 'AUD-29', 'two histories', given(make(older, newer)), { older, newer });
  const no = (id: string, evidence: Members, code = 'PROOF_NOT_PROVEN') =>
    n.no(id, 'AUD-29', id, given(evidence), code);
  const honest = (older: number, newer: number): Members => ({
    ...make(older, newer),
    newer: seen(LEAVES, newer),
    prefix: b64url(treeRoot(LEAVES.slice(0, older))),
    proof: consistency(LEAVES.slice(0, newer), older).map(b64url),
  });
  no('one-history', honest(7, 13));
  no('one-checkpoint', honest(13, 13));
  no('prefix-of-the-older', make(7, 13, { prefix: b64url(treeRoot(LEAVES.slice(0, 7))) }));
  no('no-proof', make(7, 13, { proof: [] }));
  no('proof-of-another-size', make(7, 13, { proof: consistency(FORKED, 6).map(b64url) }));
  no('older-forged', make(7, 13, { older: seen(LEAVES, 7, ORIGIN, FORGER) }));
  no('newer-forged', make(7, 13, { newer: seen(FORKED, 13, ORIGIN, FORGER) }));
  no('another-log', make(7, 13, { newer: seen(FORKED, 13, 'talos.example/log/other') }));
  no('exchanged', { ...make(7, 13), older: seen(FORKED, 13), newer: seen(LEAVES, 7) });
  no('older-empty', make(7, 13, { older: seen([], 0) }));
  no('format', make(7, 13, { format: 'talos-split-view-v2' }), 'MALFORMED');
  no('unknown-member', make(7, 13, { origin: ORIGIN }), 'MALFORMED');
  no('no-note', make(7, 13, { older: 'a\n' }), 'MALFORMED');
  return n.done();
}
