import { sha256 } from '@noble/hashes/sha2.js';
import type { OpenTimestampsProof, TrustedBlock } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../encoding/base64url.js';
import { decodeHex, encodeHex } from '../../encoding/hex.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { anchorPlace, assertAnchorProof, parseAnchorProof, verifyAnchor } from '../anchor.js';
import { readChainTrust } from '../chain-trust.js';
import { madeUpHeader } from '../testing/bitcoin-block.js';
import { bitcoinHash } from './bitcoin-header.js';
import { encodeOtsFile } from './file.js';
import { appendOp, applyOp, type OtsOp, SHA256_OP } from './op.js';
import type { OtsBranch } from './timestamp.js';
import { otsDigest } from './verify.js';

const head = { origin: 'talos.test/log/default', size: 1_000, root: '5e'.repeat(32) };
const digest = otsDigest(head.origin, head.size, decodeHex(head.root));
const TIME = 1_790_000_000;
const HEIGHT = 958_000;
const nonce = new Uint8Array(16).fill(3);

/** Leads through these operations to these attestations. */
function stamp(ops: readonly OtsOp[], branches: readonly OtsBranch[], of: Uint8Array = digest) {
  let result = { message: ops.reduce((message, op) => applyOp(op, message), of), branches };
  for (const [index, op] of [...ops.entries()].toReversed()) {
    const message = ops.slice(0, index).reduce((before, one) => applyOp(one, before), of);
    result = { message, branches: [{ op, result }] };
  }
  return result;
}

const OPS = [appendOp(nonce), SHA256_OP];
const merkleRoot = OPS.reduce((message, op) => applyOp(op, message), digest);
const header = madeUpHeader(merkleRoot, TIME);
const hash = bitcoinHash(header);
const bitcoin = (height: number): OtsBranch => ({ attestation: { kind: 'bitcoin', height } });
const pending: OtsBranch = { attestation: { kind: 'pending', calendar: 'https://a.calendar.test' } };
const unknown: OtsBranch = {
  attestation: { kind: 'unknown', tag: '06869a0d73d71b45', payload: Uint8Array.of(1) },
};

const proofOf = (
  branches: readonly OtsBranch[],
  { ops = OPS, of = digest, hash: digestOp = 8 } = {},
): OpenTimestampsProof => ({
  kind: 'opentimestamps',
  ...head,
  ots: encodeBase64url(encodeOtsFile({ hash: digestOp, timestamp: stamp(ops, branches, of) })),
});
const byHeader: TrustedBlock = { chain: 'bitcoin', number: HEIGHT, header: encodeHex(header) };
const byHash: TrustedBlock = { chain: 'bitcoin', number: HEIGHT, hash };
const verify = (proof: OpenTimestampsProof, ...blocks: TrustedBlock[]) =>
  verifyAnchor(parseAnchorProof(proof), readChainTrust(blocks));
const refusal = (check: string, reason: string) =>
  expect.objectContaining({
    code: 'PROOF_NOT_PROVEN',
    data: expect.objectContaining({ caveat: `anchor ${check}`, reason: expect.stringContaining(reason) }),
  });

describe('an anchor by OpenTimestamps (AUD-36, AUD-39)', () => {
  it('proves that the text of a checkpoint existed before a block whose header is trusted', () => {
    expect(verify(proofOf([bitcoin(HEIGHT)]), byHeader)).toEqual({
      kind: 'opentimestamps',
      chain: 'bitcoin',
      number: HEIGHT,
      time: TIME,
      origin: head.origin,
      size: head.size,
      root: decodeHex(head.root),
    });
  });

  it('is of what sha256sum makes of a file with the text of the checkpoint', () => {
    const text = `${head.origin}\n1000\n${Buffer.from(head.root, 'hex').toString('base64')}\n`;
    expect(digest).toEqual(sha256(encodeUtf8(text)));
  });

  it('takes the header of the proof if its hash is the one that is trusted', () => {
    const proof = { ...proofOf([bitcoin(HEIGHT)]), header: encodeBase64url(header) };
    expect(verify(proof, byHash).number).toBe(HEIGHT);
    expect(() => verify(proofOf([bitcoin(HEIGHT)]), byHash)).toThrow(refusal('block', 'name the header'));
    const other = { ...proof, header: encodeBase64url(madeUpHeader(merkleRoot, TIME - 1)) };
    expect(() => verify(other, byHash)).toThrow(refusal('block', 'not that of Bitcoin block 958000'));
    const short = { ...proof, header: encodeBase64url(header.subarray(1)) };
    expect(() => verify(short, byHash)).toThrow('80 bytes');
  });

  it('takes the earliest block of those that are trusted', () => {
    const earlier: TrustedBlock = { ...byHeader, number: HEIGHT - 3 };
    const proof = proofOf([bitcoin(HEIGHT), pending, bitcoin(HEIGHT - 3), unknown]);
    expect(verify(proof, byHeader, earlier).number).toBe(HEIGHT - 3);
    expect(verify(proof, byHeader).number).toBe(HEIGHT);
  });

  // AUD-129
  it('holds by itself if it leads to the header that it brings, whoever made that up', () => {
    const whole = { ...proofOf([bitcoin(HEIGHT), pending]), header: encodeBase64url(header) };
    for (const proof of [whole, proofOf([bitcoin(HEIGHT)])])
      expect(() => assertAnchorProof(parseAnchorProof(proof))).not.toThrow();
    expect(anchorPlace(whole)).toBe('opentimestamps');
    const other = madeUpHeader(new Uint8Array(32).fill(1), TIME);
    expect(() => assertAnchorProof({ ...whole, header: encodeBase64url(other) })).toThrow(
      refusal('block', 'does not lead to the header'),
    );
    expect(() => assertAnchorProof({ ...whole, header: encodeBase64url(header.subarray(1)) })).toThrow(
      '80 bytes',
    );
    expect(() => assertAnchorProof(proofOf([pending]))).toThrow(refusal('block', 'names no Bitcoin block'));
    expect(() => assertAnchorProof({ ...whole, size: 1_001 })).toThrow(refusal('digest', 'something else'));
    expect(() => assertAnchorProof({ ...whole, ots: 'AAAA' })).toThrow('malformed');
  });

  it('proves nothing while only a calendar has promised it', () => {
    expect(() => verify(proofOf([pending]), byHeader)).toThrow(refusal('block', 'is pending'));
    expect(() => verify(proofOf([unknown]), byHeader)).toThrow(refusal('block', 'names no Bitcoin block'));
  });

  it('proves nothing by a block that is not trusted', () => {
    expect(() => verify(proofOf([bitcoin(HEIGHT + 1)]), byHeader)).toThrow(
      expect.objectContaining({
        code: 'PROOF_NOT_PROVEN',
        data: expect.objectContaining({
          reason: 'the trust file names no Bitcoin block 958001',
          hint: expect.stringMatching(/^look block 958001 up .* "number": 958001, .* to "blocks"/),
        }),
      }),
    );
  });

  it('is refused if the trusted block does not have it; what somebody added to a good one takes nothing away', () => {
    const empty = madeUpHeader(new Uint8Array(32).fill(1), TIME);
    const other: TrustedBlock = { chain: 'bitcoin', number: HEIGHT + 1, header: encodeHex(empty) };
    expect(() => verify(proofOf([bitcoin(HEIGHT + 1)]), other)).toThrow(refusal('block', 'does not have'));
    const both = proofOf([bitcoin(HEIGHT + 1), bitcoin(HEIGHT - 1), bitcoin(HEIGHT)]);
    expect(verify(both, byHeader, other, { ...other, number: HEIGHT - 1 }).number).toBe(HEIGHT);
  });

  it.each([
    ['another operation', [appendOp(nonce), { tag: 103 }]],
    ['operations in another order', [SHA256_OP, appendOp(nonce)]],
    ['the nonce before the message', [{ tag: 0xf1, argument: nonce }, SHA256_OP]],
    ['one operation less', [SHA256_OP]],
  ])('is refused with %s', (_, ops) => {
    const proof = proofOf([bitcoin(HEIGHT)], { ops: ops as OtsOp[] });
    expect(() => verify(proof, byHeader)).toThrow(refusal('block', 'does not have'));
  });

  it('is refused for another head of the log, and for a digest that is no SHA-256 of the text', () => {
    const proof = proofOf([bitcoin(HEIGHT)]);
    for (const changes of [{ size: 1_001 }, { root: '5f'.repeat(32) }, { origin: 'talos.test/log/other' }])
      expect(() => verify({ ...proof, ...changes }, byHeader)).toThrow(refusal('digest', 'something else'));
    const keccak = proofOf([bitcoin(HEIGHT)], { hash: 103 });
    expect(() => verify(keccak, byHeader)).toThrow(refusal('digest', 'something else'));
  });
});
