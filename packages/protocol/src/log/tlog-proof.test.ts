import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { encodeBase64 } from './base64.js';
import { signCheckpoint } from './checkpoint.js';
import { EMPTY_EDGE, growLog } from './log-edge.js';
import { makeProof, planInclusion } from './proof.js';
import { hasher, sampleEntries, sampleKey } from './testing/reference.js';
import { tilePath } from './tile.js';
import { createTileReader } from './tile-reader.js';
import { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.js';

const ORIGIN = 'talos.local/default';
const key = sampleKey(ORIGIN, 5);
const log = { origin: ORIGIN, keys: [key.verifier] };
const { size, root, leafHashes, writes } = growLog(hasher, EMPTY_EDGE, sampleEntries(300));
const checkpoint = signCheckpoint({ origin: ORIGIN, size, root, extensions: [] }, [key.signer]);
const files = new Map(writes.map((write) => [write.path, write.bytes]));
const read = createTileReader(hasher, size, (tile) => files.get(tilePath(tile)));

const proofOf = (index: number) => ({
  index,
  proof: makeProof(hasher, read, planInclusion(index, size)),
  checkpoint,
});
const text = formatTlogProof(proofOf(42));

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isTrustError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('tlog proof', () => {
  it('is read back as written, with and without extra data', () => {
    expect(parseTlogProof(text)).toEqual(proofOf(42));
    const extra = Uint8Array.of(1, 2, 3);
    const withExtra = formatTlogProof({ ...proofOf(7), extra });
    expect(withExtra.split('\n').slice(0, 3)).toEqual(['c2sp.org/tlog-proof@v1', 'extra AQID', 'index 7']);
    expect(parseTlogProof(withExtra)).toEqual({ ...proofOf(7), extra });
    expect(formatTlogProof({ ...proofOf(42), extra: new Uint8Array(0) })).toBe(text);
  });

  it('proves its leaf and no other', () => {
    const verified = verifyTlogProof(hasher, text, leafHashes[42]!, log);
    expect(verified).toMatchObject({ index: 42, checkpoint: { origin: ORIGIN, size: 300, root } });
    expect(codeOf(() => verifyTlogProof(hasher, text, leafHashes[43]!, log))).toBe('PROOF_NOT_PROVEN');
    const moved = text.replace('index 42', 'index 43');
    expect(codeOf(() => verifyTlogProof(hasher, moved, leafHashes[42]!, log))).toBe('PROOF_NOT_PROVEN');
    const beyond = text.replace('index 42', 'index 300');
    expect(codeOf(() => verifyTlogProof(hasher, beyond, leafHashes[42]!, log))).toBe('PROOF_NOT_PROVEN');
  });

  it('proves nothing under a checkpoint of another key or log', () => {
    const stranger = { origin: ORIGIN, keys: [sampleKey(ORIGIN, 6).verifier] };
    expect(codeOf(() => verifyTlogProof(hasher, text, leafHashes[42]!, stranger))).toBe('PROOF_NOT_PROVEN');
    const other = { origin: 'talos.local/other', keys: [key.verifier] };
    expect(codeOf(() => verifyTlogProof(hasher, text, leafHashes[42]!, other))).toBe('PROOF_NOT_PROVEN');
    const tampered = text.replace('\n300\n', '\n301\n');
    expect(codeOf(() => verifyTlogProof(hasher, tampered, leafHashes[42]!, log))).toBe('SIGNATURE_INVALID');
  });

  it('does not survive the change of any character', () => {
    for (let i = 0; i < text.length; i++) {
      const mutated = `${text.slice(0, i)}${text[i] === 'A' ? 'B' : 'A'}${text.slice(i + 1)}`;
      expect(codeOf(() => verifyTlogProof(hasher, mutated, leafHashes[42]!, log))).not.toBe('accepted');
    }
  });

  it('is refused when its parts are not well formed', () => {
    const hash = encodeBase64(root);
    const wrap = (...lines: string[]): string =>
      ['c2sp.org/tlog-proof@v1', ...lines, '', checkpoint].join('\n');
    expect(codeOf(() => parseTlogProof(wrap('index 0')))).toBe('accepted');
    const wrong = [
      '',
      '\n\n',
      'c2sp.org/tlog-proof@v1',
      'c2sp.org/tlog-proof@v1\nindex 0\n',
      `c2sp.org/tlog-proof@v1\nindex 0\n\n`,
      'c2sp.org/tlog-proof@v1\nindex 0\n\nno note\n',
      wrap(),
      wrap('index'),
      wrap('index '),
      wrap('index 01'),
      wrap('index -1'),
      wrap('index 0 '),
      wrap('index 9007199254740992'),
      wrap('Index 0'),
      wrap('extra AQID'),
      wrap('extra', 'index 0'),
      wrap('extra ', 'index 0'),
      wrap('extra AQI', 'index 0'),
      wrap('extra AQID', 'extra AQID', 'index 0'),
      wrap('index 0', 'extra AQID'),
      wrap('index 0', 'index 0'),
      wrap('index 0', 'AAAA'),
      wrap('index 0', hash.slice(1)),
      wrap('index 0', `${hash} `),
      wrap('index 0', ...Array.from({ length: 54 }, () => hash)),
      wrap('index 0').replace('@v1', '@v2'),
      ` ${text}`,
      wrap('index 0\r'),
      `${text}\n`,
      text.slice(0, -1),
      'x'.repeat(2_000_001),
    ];
    for (const proof of wrong) expect(codeOf(() => parseTlogProof(proof))).toBe('MALFORMED');
    fc.assert(fc.property(fc.string(), (rubbish) => codeOf(() => parseTlogProof(rubbish)) === 'MALFORMED'));
  });

  it('is not written so that it could not be read', () => {
    const proof = proofOf(42);
    for (const index of [-1, 0.5, 2 ** 53])
      expect(() => formatTlogProof({ ...proof, index })).toThrow(TypeError);
    expect(() => formatTlogProof({ ...proof, proof: [new Uint8Array(31)] })).toThrow(TypeError);
    expect(() => formatTlogProof({ ...proof, proof: Array.from({ length: 54 }, () => root) })).toThrow(
      TypeError,
    );
    expect(codeOf(() => formatTlogProof({ ...proof, checkpoint: 'no note' }))).toBe('MALFORMED');
  });
});
