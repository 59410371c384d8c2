import type { AnchorProof, TrustFile } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { proveAnchored, trustOf } from '../anchor/testing/evm-chain.js';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { encodeHex } from '../encoding/hex.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { signCheckpoint } from '../log/checkpoint.js';
import { rootOf } from '../log/compact-tree.js';
import { createTreeHasher } from '../log/hash.js';
import { createNoteSigner } from '../log/note-key.js';
import { checkpointOf, verifyEarlier } from './earlier.js';
import { eventBytes } from './event.js';
import { createReceipt } from './receipt.js';
import {
  chainEvent,
  decisionEvent,
  exportBundle,
  makeChain,
  ORIGIN,
  sequence,
  sessionEvent,
  signerOf,
  trustFile,
} from './testing/ledger.js';
import { exportSelection, type SelectionOptions, signTree } from './testing/selection.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';

const hasher = createTreeHasher(crypto.sha256);
const chain = makeChain();
const events = sequence([
  chainEvent(chain),
  sessionEvent(chain),
  ...Array.from({ length: 9 }, () => decisionEvent(chain)),
]);
const leaves = events.map(({ event }) => hasher.leaf(eventBytes(event)));
const trust = parseTrustFile(trustFile(), crypto);

/** What a verifier says: `check: reason`. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
    return `${error.data.caveat}: ${error.data.reason}`;
  }
  return 'proven';
}

const report = (options: SelectionOptions = {}) =>
  verifyBundle(exportSelection(events, options), trust, crypto);

describe('an earlier checkpoint (AUD-60)', () => {
  const newer = report({ earlier: [1, 4, 7, 11] });
  const continues = (note: string, trusted = trust): string =>
    refusal(() => verifyEarlier(newer, note, trusted, crypto));

  it('is the beginning of the tree of a bundle that proves so', () => {
    for (const size of [1, 4, 7, 11])
      expect(verifyEarlier(newer, signTree(leaves.slice(0, size)), trust, crypto)).toBe(size);
    expect(verifyEarlier(report(), signTree(leaves), trust, crypto)).toBe(11);
  });

  it('is refused if it is no beginning of it', () => {
    const other = leaves.map((leaf, i) => (i === 2 ? hasher.leaf(new Uint8Array(1)) : leaf));
    for (const size of [4, 7, 11])
      expect(continues(signTree(other.slice(0, size)))).toMatch(/^earlier: .* (another|different)/);
    expect(continues(signTree(leaves.slice(0, 5)))).toMatch(/^earlier: the bundle has no proof from 5/);
    expect(continues(signTree([...leaves, ...leaves]))).toMatch(/^earlier: .* has 22 entries/);
    expect(refusal(() => verifyEarlier(newer, 'no note', trust, crypto))).toMatch(/^earlier: /);
  });

  it('is refused if the log that the auditor trusts did not sign it', () => {
    const log = signerOf(50);
    const note = createNoteSigner(crypto.sha256, { name: ORIGIN, publicKey: log.publicKey, sign: log.sign });
    const tree = { origin: ORIGIN, size: 4, root: rootOf(hasher, leaves.slice(0, 4)), extensions: [] };
    expect(continues(signCheckpoint(tree, [note]))).toMatch(/^earlier: /);
    expect(continues(signTree(leaves.slice(0, 4)), { ...trust, logs: new Map() })).toMatch(/no log/);
  });

  it('is found in what somebody kept', () => {
    const note = signTree(leaves);
    const [first] = events;
    const receipt = createReceipt(first!.event, [], { index: 0, proof: [], checkpoint: note });
    expect(checkpointOf(encodeUtf8(note))).toBe(note);
    expect(checkpointOf(exportSelection(events))).toBe(note);
    expect(checkpointOf(exportBundle(events))).toBe(note);
    expect(checkpointOf(canonicalBytes(receipt))).toBe(note);
    for (const text of ['{}', '{"proof":1}', '{'])
      expect(() => checkpointOf(encodeUtf8(text))).toThrow(/malformed/);
  });
});

describe('chain anchors in a bundle (AUD-59)', () => {
  const block = { chain: 'eip155:1', contract: `0x${'c0'.repeat(20)}`, number: 19, time: 1_790_000_100 };
  const anchored = (size: number, change: Partial<AnchorProof> = {}): AnchorProof => {
    const log = {
      origin: ORIGIN,
      anchorer: `0x${'a1'.repeat(20)}`,
      size,
      root: encodeHex(rootOf(hasher, leaves.slice(0, size))),
    };
    return { ...proveAnchored(block, [log]), ...change } as AnchorProof;
  };
  const trusting = (proof: AnchorProof, change: Partial<TrustFile> = {}) =>
    parseTrustFile(trustFile({ ...(proof.kind === 'evm' ? trustOf(proof) : {}), ...change }), crypto);
  const verify = (proof: AnchorProof, options: SelectionOptions = {}, trusted = trusting(proof)) =>
    verifyBundle(exportSelection(events, { anchors: [proof], ...options }), trusted, crypto);

  it('prove that the tree existed before a block that the auditor trusts', () => {
    for (const size of [1, 7, 11])
      expect(verify(anchored(size)).anchors).toEqual([
        {
          kind: 'evm',
          size,
          proven: { kind: 'evm', chain: 'eip155:1', number: 19, time: 1_790_000_100 },
          reason: undefined,
        },
      ]);
  });

  it('prove nothing under a block that the auditor does not trust, and the rest stands', () => {
    const proof = anchored(7);
    const [unknown] = verify(proof, {}, trusting(proof, { blocks: [] })).anchors;
    expect(unknown?.proven).toBeUndefined();
    expect(unknown?.reason).toMatch(/block/);
    expect(verify(proof, {}, trust).counts.allowed).toBe(9);
  });

  it('hide no fault of our own', () => {
    const proof = anchored(7);
    const chains = {
      ...trusting(proof).chains,
      isAnchoredBy: () => {
        throw new RangeError('a fault');
      },
    };
    expect(() => verify(proof, {}, { ...trusting(proof), chains })).toThrow('a fault');
  });

  it('of a tree that the bundle does not continue say that the log was split', () => {
    const proof = anchored(7);
    const split = anchored(7, { root: 'ab'.repeat(32) });
    expect(refusal(() => verify(split, {}, trusting(proof)))).toMatch(/^anchor: .* another old root/);
    expect(
      refusal(() => verify(anchored(7, { origin: 'talos.test/2/default' }), {}, trusting(proof))),
    ).toMatch(/^anchor: .* another log/);
    const tamper: SelectionOptions['tamper'] = ({ anchors }) => void anchors[0]!.consistency.pop();
    expect(refusal(() => verify(proof, { tamper }))).toMatch(/^anchor: /);
  });
});
