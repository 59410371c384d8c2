import type { AnchorEvidence, TrustFile } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeHex } from '../encoding/hex.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { parseTrustFile } from '../evidence/trust-file.js';
import { signCheckpoint } from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { createNoteSigner, formatVerifierKey } from '../log/note-key.js';
import { makeProof, planConsistency } from '../log/proof.js';
import { type HashReader, rootAt } from '../log/range.js';
import { parseAnchorEvidence, verifyAnchorEvidence } from './evidence.js';
import { proveAnchored, trustOf } from './testing/evm-chain.js';

const crypto = portableCrypto;
const hasher = createTreeHasher(crypto.sha256);
const origin = 'talos.test/log/default';
const seed = new Uint8Array(32).fill(8);
const publicKey = crypto.ed25519PublicKey(seed);
const sign = (message: Uint8Array): Uint8Array => crypto.ed25519Sign(message, seed);
const signer = createNoteSigner(crypto.sha256, { name: origin, publicKey, sign });
const vkey = formatVerifierKey(crypto.sha256, origin, publicKey);

/** The tree of a log whose entries are their indexes. */
const read: HashReader = ({ level, index }) =>
  level === 0
    ? hasher.leaf(encodeUtf8(`entry ${index}`))
    : hasher.node(
        read({ level: level - 1, index: 2 * index }),
        read({ level: level - 1, index: 2 * index + 1 }),
      );
const noteOf = (size: number): string =>
  signCheckpoint({ origin, size, root: rootAt(hasher, read, size), extensions: [] }, [signer]);
const consistency = (from: number, to: number): string[] =>
  makeProof(hasher, read, planConsistency(from, to)).map(encodeBase64url);

const block = { chain: 'eip155:1', contract: `0x${'c0'.repeat(20)}`, number: 9, time: 1_790_000_000 };
const anchorer = `0x${'a1'.repeat(20)}`;
const anchorAt = (size: number, root = encodeHex(rootAt(hasher, read, size))) =>
  proveAnchored(block, [{ origin, anchorer, size, root }]);
const anchor = anchorAt(7);
const evidence: AnchorEvidence = {
  format: 'talos-anchor-v1',
  checkpoint: noteOf(20),
  consistency: consistency(7, 20),
  anchor,
};

const file: TrustFile = {
  format: 'talos-trust-v1',
  logs: [{ origin, vkey }],
  exporters: [],
  emitters: [],
  anchors: [],
  ...trustOf(anchor),
};
const verify = (of: object, trust: TrustFile = file) =>
  verifyAnchorEvidence(
    parseAnchorEvidence(canonicalBytes(of)),
    parseTrustFile(canonicalBytes(trust), crypto),
    crypto,
  );
const notProven = expect.objectContaining({ code: 'PROOF_NOT_PROVEN' });

describe('evidence of an anchor (AUD-44)', () => {
  it('proves that the beginning of the log existed before the block', () => {
    const { anchor: verified, checkpoint } = verify(evidence);
    expect([verified.size, verified.number, checkpoint.size]).toEqual([7, 9, 20]);
  });

  it('holds with a checkpoint of the anchor’s own size', () => {
    expect(verify({ ...evidence, checkpoint: noteOf(7), consistency: [] }).checkpoint.size).toBe(7);
  });

  it('is refused if the log rewrote what was anchored', () => {
    const other = anchorAt(7, '11'.repeat(32));
    expect(() => verify({ ...evidence, anchor: other }, { ...file, ...trustOf(other) })).toThrow(notProven);
  });

  it.each([
    ['a checkpoint that is older than the anchor', { checkpoint: noteOf(6), consistency: [] }],
    ['another consistency proof', { consistency: consistency(8, 20) }],
    ['no consistency proof', { consistency: [] }],
    ['a checkpoint of another size', { checkpoint: noteOf(21) }],
  ])('is refused with %s', (_, changes) => {
    expect(() => verify({ ...evidence, ...changes })).toThrow(notProven);
  });

  it('is refused without the log in the trust file, or with another key for it', () => {
    expect(() => verify(evidence, { ...file, logs: [] })).toThrow('has no log');
    const other = formatVerifierKey(
      crypto.sha256,
      origin,
      crypto.ed25519PublicKey(new Uint8Array(32).fill(9)),
    );
    expect(() => verify(evidence, { ...file, logs: [{ origin, vkey: other }] })).toThrow(notProven);
  });

  it('is refused without the block in the trust file', () => {
    expect(() => verify(evidence, { ...file, blocks: [] })).toThrow('names no block 9');
  });

  it.each([
    ['another format', { format: 'talos-anchor-v2' }],
    ['a member that is not known', { more: 1 }],
    ['no anchor', { anchor: undefined }],
    ['an anchor of no kind', { anchor: { kind: 'x' } }],
    ['a hash that is none', { consistency: ['AAAA'] }],
  ])('is malformed with %s', (_, changes) => {
    const text = JSON.stringify({ ...evidence, ...changes });
    expect(() => parseAnchorEvidence(encodeUtf8(text))).toThrow(
      expect.objectContaining({ code: 'MALFORMED' }),
    );
  });

  it('is malformed if it is no object', () => {
    for (const text of ['null', '1', '[]', '"x"'])
      expect(() => parseAnchorEvidence(encodeUtf8(text))).toThrow(
        expect.objectContaining({ code: 'MALFORMED' }),
      );
  });
});
