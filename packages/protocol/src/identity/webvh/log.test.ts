import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../encoding/json.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { isTrustError } from '../../error.js';
import { signIntegrityProof } from './data-integrity.js';
import { verifyWebvhLog } from './log.js';
import {
  crypto,
  ctx,
  didOf,
  entriesOf,
  forge,
  forgeFirst,
  key,
  linesOf,
  multikey,
  NOW,
  newLog,
  toLog,
  withParameters,
} from './testing/logs.js';
import { moveWebvhLog, updateWebvhLog, webvhKeyHash } from './write.js';

const refusal = (code: string) => expect.objectContaining({ name: 'TrustError', code });
const verify = (log: Uint8Array, did?: string) =>
  verifyWebvhLog({ log }, did === undefined ? ctx() : { ...ctx(), did });
const twice = (first = newLog()) => updateWebvhLog(first, { ttl: 60 }, key(1), ctx(NOW - 1000));

/** A log of two entries, with the last proof changed. */
function withProof(change: (proof: JsonObject) => unknown): Uint8Array {
  const [first, second] = entriesOf(twice()) as [JsonObject, JsonObject];
  const [proof] = second['proof'] as unknown as [JsonObject];
  return toLog([first, { ...second, proof: change(proof) }]);
}

describe('verifying a did:webvh log (ID-8)', () => {
  it('gives every version with what is in force after it', () => {
    const log = verify(twice());
    expect(log.versions.map(({ number, parameters }) => [number, parameters.ttl])).toEqual([
      [1, 3600],
      [2, 60],
    ]);
    expect(log.latest.did).toBe(`did:webvh:${log.scid}:example.com`);
  });

  it('takes a line end of CR LF, a single proof, and a last line without an end', () => {
    const text = linesOf(twice()).join('\n');
    expect(verify(encodeUtf8(`${text}\r\n`)).latest.number).toBe(2);
    expect(verify(encodeUtf8(text)).latest.number).toBe(2);
    expect(verify(withProof((proof) => proof)).latest.number).toBe(2);
    const [first] = entriesOf(newLog()) as [JsonObject];
    const named = signIntegrityProof(first, '2026-11-23T11:00:00Z', key(1), crypto);
    expect(() => verify(toLog([{ ...first, proof: [{ ...named, id: 'urn:x' }] }]))).toThrow(
      refusal('SIGNATURE_INVALID'),
    );
    const { created: _, ...undated } = named;
    expect(() => verify(toLog([{ ...first, proof: [undated] }]))).toThrow(refusal('SIGNATURE_INVALID'));
    const bare = forgeFirst(newLog(), ({ parameters, ...entry }) => {
      const { portable: _, ...rest } = parameters as JsonObject;
      return { ...entry, parameters: rest };
    });
    expect(verify(bare).latest.parameters.portable).toBe(false);
  });

  it('takes null for a default, as early logs wrote it', () => {
    const log = forge(
      twice(),
      1,
      withParameters({ witness: null, watchers: null, ttl: null, nextKeyHashes: null }),
    );
    expect(verify(log).latest.parameters).toMatchObject({ ttl: 3600, witness: undefined, watchers: [] });
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['an empty line', encodeUtf8('\n')],
    ['a blank line between', encodeUtf8(linesOf(twice()).join('\n\n'))],
    ['no object', encodeUtf8('[]')],
    ['a repeated member', encodeUtf8(linesOf(newLog())[0]?.replace('{', '{"proof":[],') ?? '')],
    ['too much', new Uint8Array(1_048_577).fill(0x20)],
    ['too many lines', encodeUtf8('{}\n'.repeat(1025))],
    ['an unknown member', forge(twice(), 1, (entry) => ({ ...entry, more: 1 }))],
    ['no state', forge(twice(), 1, ({ state: _, ...entry }) => entry)],
    ['parameters that are a list', forge(twice(), 1, (entry) => ({ ...entry, parameters: [] }))],
    ['an unknown parameter', forge(twice(), 1, withParameters({ prerotation: true }))],
    ['another method version', forge(twice(), 1, withParameters({ method: 'did:webvh:2.0' }))],
    ['another method version at first', forgeFirst(newLog(), withParameters({ method: 'did:webvh:0.5' }))],
    ['a later scid', forge(twice(), 1, withParameters({ scid: 'x' }))],
    [
      'no scid',
      forge(newLog(), 0, (entry) => ({ ...entry, parameters: { method: 'did:webvh:1.0', updateKeys: [] } })),
    ],
    ['a scid that is none', forge(newLog(), 0, withParameters({ scid: 'Qm' }))],
    ['a scid that is a number', forge(newLog(), 0, withParameters({ scid: 7 }))],
    ['portability later', forge(twice(), 1, withParameters({ portable: true }))],
    ['a portable that is text', forge(twice(), 1, withParameters({ portable: 'true' }))],
    ['a deactivated that is null', forge(twice(), 1, withParameters({ deactivated: null }))],
    ['a key that is none', forge(twice(), 1, withParameters({ updateKeys: ['key'] }))],
    ['a key twice', forge(twice(), 1, withParameters({ updateKeys: [multikey(1), multikey(1)] }))],
    ['keys that are no list', forge(twice(), 1, withParameters({ updateKeys: multikey(1) }))],
    [
      'too many keys',
      forge(twice(), 1, withParameters({ nextKeyHashes: Array.from({ length: 33 }, (_, i) => `${i}`) })),
    ],
    ['a hash that is a number', forge(twice(), 1, withParameters({ nextKeyHashes: [1] }))],
    ['a ttl below zero', forge(twice(), 1, withParameters({ ttl: -1 }))],
    ['a ttl that is text', forge(twice(), 1, withParameters({ ttl: '60' }))],
    ['a ttl without end', forge(twice(), 1, withParameters({ ttl: 2 ** 31 + 1 }))],
    ['a versionId without number', toLog([{ ...entriesOf(newLog())[0], versionId: 'Qm' }])],
    ['a versionId that is a number', toLog([{ ...entriesOf(newLog())[0], versionId: 1 }])],
    ['the first entry twice', toLog([...entriesOf(newLog()), ...entriesOf(newLog())])],
    [
      'a version that is skipped',
      toLog([
        entriesOf(newLog())[0],
        { ...entriesOf(twice())[1], versionId: '3-QmfGEUAcMpzo25kF2Rhn8L5FAXysfGnkzjwdKoNPi615XQ' },
      ]),
    ],
    ['a log that begins with its second', toLog(entriesOf(twice()).slice(1))],
    [
      'the same time again',
      forge(twice(), 1, (entry) => ({ ...entry, versionTime: '2026-11-23T11:00:00Z' })),
    ],
    ['a time of before', forge(twice(), 1, (entry) => ({ ...entry, versionTime: '2000-01-01T00:00:00Z' }))],
    [
      'a time in another zone',
      forge(twice(), 1, (entry) => ({ ...entry, versionTime: '2026-11-23T11:30:00+01:00' })),
    ],
    ['a time that is a number', forge(twice(), 1, (entry) => ({ ...entry, versionTime: 1 }))],
    ['no proof', withProof(() => [])],
    ['a proof that is text', withProof(() => 'x')],
    ['too many proofs', withProof((proof) => Array(17).fill(proof))],
    ['a proof in a proof', withProof((proof) => [[proof]])],
    ['another suite', withProof((proof) => [{ ...proof, cryptosuite: 'eddsa-rdfc-2022' }])],
    ['another type', withProof((proof) => [{ ...proof, type: 'Ed25519Signature2020' }])],
    ['another purpose', withProof((proof) => [{ ...proof, proofPurpose: 'authentication' }])],
    ['a proof that expires', withProof((proof) => [{ ...proof, expires: '2099-01-01T00:00:00Z' }])],
    ['a proof made at no time', withProof((proof) => [{ ...proof, created: 'now' }])],
    ['a proof whose id is a number', withProof((proof) => [{ ...proof, id: 1 }])],
    ['a method without fragment', withProof((proof) => [{ ...proof, verificationMethod: key(1).did }])],
    [
      'a method with the fragment of another key',
      withProof((proof) => [{ ...proof, verificationMethod: `${key(2).did}#${multikey(1)}` }]),
    ],
    ['a method that is a number', withProof((proof) => [{ ...proof, verificationMethod: 1 }])],
    ['a short proofValue', withProof((proof) => [{ ...proof, proofValue: 'z111' }])],
    ['a proofValue in another base', withProof((proof) => [{ ...proof, proofValue: 'uAAAA' }])],
    ['a document without id', forge(twice(), 1, (entry) => ({ ...entry, state: {} }))],
    [
      'a document of another method',
      forge(twice(), 1, (entry) => ({ ...entry, state: { id: 'did:web:example.com' } })),
    ],
  ])('refuses %s as malformed', (_, log) => {
    expect(() => verify(log)).toThrow(refusal('MALFORMED'));
  });

  it.each<[string, Uint8Array]>([
    ['a document that was changed', toLog([{ ...entriesOf(newLog())[0], state: { id: didOf(newLog()) } }])],
    [
      'another SCID',
      forge(newLog(), 0, (entry) => ({ ...entry, state: { ...(entry['state'] as JsonObject), more: 1 } })),
    ],
    [
      'the hash of another entry',
      toLog([entriesOf(newLog())[0], { ...entriesOf(twice())[1], state: { id: didOf(newLog()) } }]),
    ],
    ['a key that may not', forge(twice(), 1, (entry) => entry, key(2))],
    [
      'a new key that lets itself in',
      forge(twice(), 1, withParameters({ updateKeys: [multikey(2)] }), key(2)),
    ],
    [
      'a signature over something else',
      withProof(() => [signIntegrityProof({}, '2026-11-23T11:00:00Z', key(1), crypto)]),
    ],
    [
      'one good proof and one of a stranger',
      withProof((proof) => [proof, signIntegrityProof({}, '2026-11-23T11:00:00Z', key(3), crypto)]),
    ],
    [
      'proof options that were changed',
      withProof((proof) => [{ ...proof, created: '2026-11-23T11:00:01Z' }]),
    ],
  ])('refuses %s as not proven', (_, log) => {
    expect(() => verify(log)).toThrow(refusal('SIGNATURE_INVALID'));
  });

  it('refuses a version of the future, wherever it stands', () => {
    expect(() => verifyWebvhLog({ log: newLog() }, ctx(NOW - 3_600_001))).toThrow(refusal('NOT_YET_VALID'));
    const later = forge(twice(), 1, (entry) => ({ ...entry, versionTime: '9999-06-15T00:00:00Z' }));
    expect(() => verify(later)).toThrow(refusal('NOT_YET_VALID'));
  });

  it('refuses an SCID swap: the document speaks for another SCID than the log proves', () => {
    const other = didOf(newLog({ location: 'example.org' })).replace('example.org', 'example.com');
    const swap = (entry: JsonObject) => ({
      ...entry,
      state: { ...(entry['state'] as JsonObject), id: other },
    });
    expect(() => verify(forgeFirst(newLog(), swap))).toThrow(refusal('MALFORMED'));
    expect(() => verify(forge(twice(newLog({ portable: true })), 1, swap))).toThrow(refusal('MALFORMED'));
  });

  it('finds its DID in the log or refuses', () => {
    expect(verify(twice(), didOf(newLog())).latest.number).toBe(2);
    expect(() => verify(twice(), `${didOf(newLog())}:other`)).toThrow(refusal('MALFORMED'));
  });

  it('ends with deactivation', () => {
    const ended = updateWebvhLog(newLog(), { deactivated: true }, key(1), ctx(NOW - 2000));
    expect(verify(ended).latest.parameters.deactivated).toBe(true);
    expect(() => updateWebvhLog(ended, {}, key(1), ctx())).toThrow('goes on when deactivated');
  });

  it('keeps text of the SCID in member names in its place', () => {
    const log = newLog({
      document: (did) => ({ id: did, service: [{ [`${did}#z`]: 1, a: 0.5, [`z-${did}`]: -0 }] }),
    });
    expect(verify(log).latest.document['service']).toHaveLength(1);
  });

  it('answers hostile bytes with a code or a log, nothing else', () => {
    const text = linesOf(twice()).join('\n');
    const mutation = fc.tuple(fc.nat(text.length - 1), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(mutation, ([at, put]) => {
        const changed = text.slice(0, at) + put + text.slice(at + put.length);
        try {
          verify(new TextEncoder().encode(changed));
        } catch (error) {
          expect(isTrustError(error)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('pre-rotation (ID-9)', () => {
  const hash = (n: number) => webvhKeyHash(key(n).publicKey, crypto);
  const committed = newLog({ nextKeyHashes: [hash(2), hash(3)] });
  const reveal = (keys: number[], next: string[], signer = key(keys[0] ?? 0)) =>
    updateWebvhLog(
      committed,
      { updateKeys: keys.map(multikey), nextKeyHashes: next },
      signer,
      ctx(NOW - 1000),
    );

  it('lets exactly the keys that were committed to go on, and signs with the one revealed', () => {
    const log = verify(reveal([2], [hash(4)]));
    expect(log.latest.parameters).toMatchObject({ updateKeys: [multikey(2)], nextKeyHashes: [hash(4)] });
  });

  it('ends with an empty list, after which the last keys sign', () => {
    const ended = reveal([2], []);
    expect(verify(updateWebvhLog(ended, { ttl: 1 }, key(2), ctx())).latest.number).toBe(3);
  });

  it.each<[string, string, () => unknown]>([
    ['a stolen current key that brings its own', 'SIGNATURE_INVALID', () => reveal([5], [], key(5))],
    ['a committed key beside one that is not', 'SIGNATURE_INVALID', () => reveal([2, 5], [])],
    ['the current key, which was not committed to', 'SIGNATURE_INVALID', () => reveal([1], [])],
    ['a committed key that another signs for', 'SIGNATURE_INVALID', () => reveal([2], [], key(1))],
    ['no keys at all', 'SIGNATURE_INVALID', () => reveal([], [], key(1))],
    ['no updateKeys', 'MALFORMED', () => updateWebvhLog(committed, { nextKeyHashes: [] }, key(1), ctx())],
    [
      'no nextKeyHashes',
      'MALFORMED',
      () => updateWebvhLog(committed, { updateKeys: [multikey(2)] }, key(2), ctx()),
    ],
  ])('refuses %s', (_, code, attempt) => {
    expect(attempt).toThrow(refusal(code));
  });

  it('begins after the entry that declares it: nobody lets itself in by declaring', () => {
    const own = { updateKeys: [multikey(5)], nextKeyHashes: [hash(5)] };
    expect(() => updateWebvhLog(newLog(), own, key(5), ctx())).toThrow(refusal('SIGNATURE_INVALID'));
    expect(verify(updateWebvhLog(newLog(), own, key(1), ctx())).latest.number).toBe(2);
  });
});

describe('portability (ID-9)', () => {
  const change = (state: (state: JsonObject) => JsonObject) => (entry: JsonObject) => ({
    ...entry,
    state: state(entry['state'] as JsonObject),
  });

  it('moves under the same SCID, and both DIDs resolve to the new one', () => {
    const moved = moveWebvhLog(newLog({ portable: true }), 'example.org:dids', key(1), ctx());
    const [former, now] = verify(moved).versions;
    expect(now?.did).toBe(`${former?.did.replace('example.com', 'example.org')}:dids`);
    expect(now?.document['alsoKnownAs']).toEqual([former?.did]);
    expect(JSON.stringify(now?.document['authentication'])).toContain('example.org');
    expect(verify(moved, former?.did).latest).toEqual(verify(moved, now?.did).latest);
    const again = moveWebvhLog(moved, 'example.net', key(1), { ...ctx(NOW + 1), changes: { ttl: 5 } });
    expect(verifyWebvhLog({ log: again }, ctx(NOW + 1)).latest.document['alsoKnownAs']).toEqual([
      former?.did,
      now?.did,
    ]);
  });

  it('refuses a move that was not allowed for, or that hides where it came from', () => {
    expect(() => moveWebvhLog(newLog(), 'example.org', key(1), ctx())).toThrow(refusal('MALFORMED'));
    const moved = moveWebvhLog(newLog({ portable: true }), 'example.org', key(1), ctx());
    expect(() =>
      verify(
        forge(
          moved,
          1,
          change(({ alsoKnownAs: _, ...state }) => state),
        ),
      ),
    ).toThrow(refusal('MALFORMED'));
    expect(() =>
      verify(
        forge(
          moved,
          1,
          change((state) => ({ ...state, alsoKnownAs: ['x'] })),
        ),
      ),
    ).toThrow(refusal('MALFORMED'));
    const fixed = updateWebvhLog(newLog({ portable: true }), {}, key(1), ctx(NOW - 5000));
    const given = forge(fixed, 1, withParameters({ portable: false }));
    expect(() => moveWebvhLog(given, 'example.org', key(1), ctx())).toThrow(refusal('MALFORMED'));
  });
});
