import type { SplitView } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../encoding/base64url.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { signCheckpoint } from '../log/checkpoint.js';
import { makeProof, planConsistency } from '../log/proof.js';
import { provenPrefix } from '../log/proof-check.js';
import type { HashReader } from '../log/range.js';
import { hasher, sampleEntries, sampleKey, slowRoot } from '../log/testing/reference.js';
import { findSplitView, parseSplitView, type SeenCheckpoint, verifySplitView } from './split-view.js';

const ORIGIN = 'log.example/1';
const key = sampleKey(ORIGIN, 1);
const log = { origin: ORIGIN, keys: [key.verifier] };
const honest = sampleEntries(24);
/** The same log, but somebody rewrote entry 2. */
const forked = honest.with(2, encodeUtf8('rewritten'));

function seen(entries: readonly Uint8Array[], size: number, origin = ORIGIN, by = key): SeenCheckpoint {
  const root = slowRoot(entries.slice(0, size));
  return { size, root, note: signCheckpoint({ origin, size, root, extensions: [] }, [by.signer]) };
}

const readerOf =
  (entries: readonly Uint8Array[]): HashReader =>
  ({ level, index }) =>
    slowRoot(entries.slice(index * 2 ** level, (index + 1) * 2 ** level));

const proofOf = (entries: readonly Uint8Array[], from: number, to: number): readonly Uint8Array[] =>
  from === to ? [] : makeProof(hasher, readerOf(entries), planConsistency(from, to));

/** As somebody makes it who has read the tiles of the newer tree. */
function withTiles(older: SeenCheckpoint, newer: SeenCheckpoint, entries: readonly Uint8Array[]): SplitView {
  return {
    format: 'talos-split-view-v1',
    older: older.note,
    newer: newer.note,
    prefix: encodeBase64url(slowRoot(entries.slice(0, older.size))),
    proof: proofOf(entries, older.size, newer.size).map(encodeBase64url),
  };
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isTrustError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

const isPowerOfTwo = (size: number): boolean => Number.isInteger(Math.log2(size));

describe('proof of a split view (AUD-29)', () => {
  it('is found and verified for every pair of sizes that a consistency proof can show', () => {
    for (let newSize = 3; newSize <= 24; newSize++) {
      for (let oldSize = 3; oldSize <= newSize; oldSize++) {
        const [older, newer] = [seen(honest, oldSize), seen(forked, newSize)];
        const found = findSplitView(hasher, older, newer, proofOf(forked, oldSize, newSize));
        if (oldSize < newSize && isPowerOfTwo(oldSize)) {
          expect(found).toBeUndefined();
          continue;
        }
        expect(found).toEqual(withTiles(older, newer, forked));
        const verified = verifySplitView(found as SplitView, log, hasher);
        expect([verified.older.size, verified.newer.size]).toEqual([oldSize, newSize]);
      }
    }
  });

  it('is verified for a size that is a power of two when the tiles say what the prefix is', () => {
    const evidence = withTiles(seen(honest, 8), seen(forked, 21), forked);
    expect(verifySplitView(evidence, log, hasher).newer.size).toBe(21);
  });

  it('survives being written and read', () => {
    const evidence = withTiles(seen(honest, 7), seen(forked, 21), forked);
    const read = parseSplitView(canonicalBytes(evidence));
    expect(verifySplitView(read, log, hasher).older.size).toBe(7);
    expect(codeOf(() => parseSplitView(encodeUtf8('{"format":"talos-split-view-v1"}')))).toBe('MALFORMED');
  });

  it('is not found between checkpoints of one history, nor in a proof that leads nowhere', () => {
    for (let oldSize = 1; oldSize <= 24; oldSize++) {
      const [older, newer] = [seen(honest, oldSize), seen(honest, 24)];
      expect(findSplitView(hasher, older, newer, proofOf(honest, oldSize, 24))).toBeUndefined();
    }
    const [older, newer] = [seen(honest, 7), seen(forked, 21)];
    expect(findSplitView(hasher, older, newer, [])).toBeUndefined();
    expect(findSplitView(hasher, older, newer, proofOf(honest, 7, 21))).toBeUndefined();
    expect(findSplitView(hasher, older, newer, proofOf(forked, 6, 21))).toBeUndefined();
    const empty = seen(honest, 0);
    expect(findSplitView(hasher, empty, { ...empty, root: honest[0] as Uint8Array }, [])).toBeUndefined();
  });

  it('takes no fault of ours for a proof that leads nowhere', () => {
    const broken = {
      ...hasher,
      node: () => {
        throw new RangeError('broken');
      },
    };
    const [older, newer] = [seen(honest, 7), seen(forked, 21)];
    expect(() => findSplitView(broken, older, newer, proofOf(forked, 7, 21))).toThrow(RangeError);
  });

  it('accuses nobody who did not sign both', () => {
    const [older, newer] = [seen(honest, 7), seen(forked, 21)];
    const evidence = withTiles(older, newer, forked);
    const forger = sampleKey(ORIGIN, 2);
    const refused = (change: Partial<SplitView>) =>
      codeOf(() => verifySplitView({ ...evidence, ...change }, log, hasher));
    expect(refused({})).toBe('accepted');
    expect(refused({ older: seen(honest, 7, ORIGIN, forger).note })).toBe('PROOF_NOT_PROVEN');
    expect(refused({ newer: seen(forked, 21, ORIGIN, forger).note })).toBe('PROOF_NOT_PROVEN');
    expect(refused({ newer: seen(forked, 21, 'log.example/2').note })).toBe('PROOF_NOT_PROVEN');
    expect(refused({ older: newer.note, newer: older.note })).toBe('PROOF_NOT_PROVEN');
    expect(refused({ prefix: encodeBase64url(older.root) })).toBe('PROOF_NOT_PROVEN');
    expect(refused({ proof: evidence.proof.slice(1) })).toBe('PROOF_NOT_PROVEN');
    const same = withTiles(older, seen(honest, 21), honest);
    expect(codeOf(() => verifySplitView(same, log, hasher))).toBe('PROOF_NOT_PROVEN');
    expect(() => verifySplitView(same, log, hasher)).toThrow('one history');
  });
});

describe('the prefix that a consistency proof shows', () => {
  it('is the root of the first leaves of the newer tree', () => {
    for (let newSize = 4; newSize <= 24; newSize++) {
      for (let oldSize = 3; oldSize < newSize; oldSize++) {
        const proof = proofOf(honest, oldSize, newSize);
        const newRoot = slowRoot(honest.slice(0, newSize));
        const claim = { oldSize, newSize, newRoot, proof };
        if (isPowerOfTwo(oldSize)) expect(codeOf(() => provenPrefix(hasher, claim))).toBe('PROOF_NOT_PROVEN');
        else expect(provenPrefix(hasher, claim)).toEqual(slowRoot(honest.slice(0, oldSize)));
      }
    }
  });

  it('is none of sizes and hashes that cannot be', () => {
    const claim = {
      oldSize: 3,
      newSize: 5,
      newRoot: slowRoot(honest.slice(0, 5)),
      proof: proofOf(honest, 3, 5),
    };
    for (const change of [
      { oldSize: -1 },
      { newSize: 2 ** 53 },
      { oldSize: 0 },
      { oldSize: 5 },
      { oldSize: 6 },
      { newRoot: new Uint8Array(31) },
      { proof: claim.proof.slice(1) },
      { proof: [...claim.proof, claim.newRoot] },
      { newRoot: slowRoot(honest.slice(0, 6)) },
    ])
      expect([change, codeOf(() => provenPrefix(hasher, { ...claim, ...change }))]).toEqual([
        change,
        'PROOF_NOT_PROVEN',
      ]);
  });
});
