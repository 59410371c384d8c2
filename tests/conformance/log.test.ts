import {
  cosignatureTime,
  createNoteSigner,
  createNoteVerifier,
  createTreeHasher,
  formatVerifierKey,
  HASH_BYTES,
  isTrustError,
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  portableCrypto,
  signNote,
  TrustError,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

const present = standardsFolder() !== undefined;
if (!present) console.warn('standards data is missing: the log is not checked against it');
const read = <T>(path: string): T => readStandard<T>(`standards/${path}`);

const { sha256 } = portableCrypto;
const hasher = createTreeHasher(sha256);
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));

/** The reason of the refusal, or undefined if the input was accepted; any other error fails the test. */
function refusalOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (isTrustError(error)) return error.data.reason ?? '';
    throw error;
  }
  return undefined;
}

interface ProofCase {
  file: string;
  proof: string[] | null;
  wantErr: boolean;
}
interface InclusionCase extends ProofCase {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
}
interface SubtreeInclusionCase extends InclusionCase {
  start: number;
  end: number;
}
interface ConsistencyCase extends ProofCase {
  size1: number;
  size2: number;
  root1: string;
  root2: string;
}
interface SubtreeConsistencyCase extends ConsistencyCase {
  start: number;
  end: number;
  size: number;
}

describe.skipIf(!present)('RFC 6962 proofs (transparency-dev/merkle)', () => {
  const inclusion = (c: InclusionCase, index: number, size: number): string | undefined =>
    refusalOf(() =>
      verifyInclusion(hasher, {
        index,
        size,
        root: bytesOf(c.root),
        leafHash: bytesOf(c.leafHash),
        proof: (c.proof ?? []).map(bytesOf),
      }),
    );
  const consistency = (c: ConsistencyCase, oldSize: number, newSize: number): string | undefined =>
    refusalOf(() =>
      verifyConsistency(hasher, {
        oldSize,
        newSize,
        oldRoot: bytesOf(c.root1),
        newRoot: bytesOf(c.root2),
        proof: (c.proof ?? []).map(bytesOf),
      }),
    );

  it('inclusion', () => {
    const cases = read<InclusionCase[]>('rfc6962-merkle/inclusion.json');
    expect(cases).toHaveLength(60);
    for (const c of cases)
      expect([c.file, inclusion(c, c.leafIdx, c.treeSize) !== undefined]).toEqual([c.file, c.wantErr]);
  });

  it('consistency', () => {
    const cases = read<ConsistencyCase[]>('rfc6962-merkle/consistency.json');
    expect(cases).toHaveLength(60);
    for (const c of cases) {
      // One case accepts two equal roots that are not SHA-256 hashes at all; here a hash has 32 bytes.
      const isHash = bytesOf(c.root1).length === HASH_BYTES;
      expect([c.file, consistency(c, c.size1, c.size2) !== undefined]).toEqual([
        c.file,
        c.wantErr || !isHash,
      ]);
    }
    expect(cases.filter((c) => !c.wantErr && bytesOf(c.root1).length !== HASH_BYTES)).toHaveLength(1);
  });

  it('inclusion in a subtree, which is a tree of its own', () => {
    const cases = read<SubtreeInclusionCase[]>('rfc6962-merkle/subtreeinclusion.json');
    const isSubtree = ({ start, end }: SubtreeInclusionCase): boolean =>
      start < end && start % 2 ** Math.ceil(Math.log2(end - start)) === 0;
    const ours = cases.filter(isSubtree);
    expect(ours.length).toBeGreaterThan(100);
    expect(ours.filter((c) => !c.wantErr)).toHaveLength(cases.filter((c) => !c.wantErr).length);
    for (const c of ours) {
      expect([c.file, inclusion(c, c.leafIdx - c.start, c.end - c.start) !== undefined]).toEqual([
        c.file,
        c.wantErr,
      ]);
    }
  });

  it('consistency of subtrees that start at the first leaf', () => {
    const cases = read<SubtreeConsistencyCase[]>('rfc6962-merkle/subtreeconsistency.json');
    const ours = cases.filter((c) => c.start === 0 && c.end > 0);
    expect(ours.length).toBeGreaterThan(20);
    expect(ours.filter((c) => !c.wantErr).length).toBeGreaterThan(1);
    for (const c of ours)
      expect([c.file, consistency(c, c.end, c.size) !== undefined]).toEqual([c.file, c.wantErr]);
  });
});

describe.skipIf(!present)('signed note (golang.org/x/mod/sumdb/note)', () => {
  interface NoteCase {
    vkey: string;
    skey: string;
    text: string;
    note: string;
    bad_vkeys: string[];
  }
  const c = present ? read<NoteCase>('signed-note/note.json') : ({} as NoteCase);

  it('verifies', () => {
    const note = verifyNote(c.note, [createNoteVerifier(portableCrypto, c.vkey)]);
    expect(note.text).toBe(c.text);
    expect(note.signatures.map((line) => line.name)).toEqual(['PeterNeumann']);
  });

  it('signs to the same bytes', () => {
    const seed = bytesOf(c.skey.split('+').slice(4).join('+')).subarray(1);
    const publicKey = portableCrypto.ed25519PublicKey(seed);
    expect(formatVerifierKey(sha256, 'PeterNeumann', publicKey)).toBe(c.vkey);
    const sign = (message: Uint8Array): Uint8Array => portableCrypto.ed25519Sign(message, seed);
    const signer = createNoteSigner(sha256, { name: 'PeterNeumann', publicKey, sign });
    expect(signNote(c.text, [signer])).toBe(c.note);
  });

  it('refuses verifier keys that are not well formed', () => {
    for (const vkey of c.bad_vkeys)
      expect(refusalOf(() => createNoteVerifier(portableCrypto, vkey))).toContain('base64url');
  });
});

describe.skipIf(!present)('checkpoint (transparency-dev/formats)', () => {
  interface CheckpointCase {
    desc: string;
    text: string;
    wantErr: boolean;
  }
  const cases = present ? read<CheckpointCase[]>('tlog-checkpoint/parse.json') : [];
  const HASH = Buffer.alloc(32, 7).toString('base64');

  it('refuses what must be refused', () => {
    const bad = cases.filter((c) => c.wantErr);
    expect(bad).toHaveLength(3);
    for (const c of bad)
      expect([c.desc, refusalOf(() => parseCheckpoint(c.text)) !== undefined]).toEqual([c.desc, true]);
  });

  it('reads the others where C2SP tlog-checkpoint allows them', () => {
    const good = cases.filter((c) => !c.wantErr);
    expect(good).toHaveLength(3);
    for (const c of good) {
      // The roots of these cases are plain words: for a SHA-256 tree they are refused, as is nothing else in them.
      expect(refusalOf(() => parseCheckpoint(c.text))).toMatch(/root is not 32 bytes|empty extension line/);
      const lines = c.text.split('\n').with(2, HASH);
      // The Go parser leaves what follows the root to its caller; C2SP forbids empty extension lines.
      const allowed = lines.filter((line, i) => i < 3 || line !== '').join('\n');
      expect([c.desc, parseCheckpoint(`${allowed}\n`).origin]).toEqual([c.desc, 'Log']);
    }
  });
});

describe.skipIf(!present)('tlog proof (transparency-dev/formats)', () => {
  it('refuses malformed proofs for the same reason', () => {
    const cases =
      read<{ name: string; proof: string; error_contains: string }[]>('tlog-proof/malformed.json');
    expect(cases).toHaveLength(3);
    for (const c of cases) expect(refusalOf(() => parseTlogProof(c.proof))).toContain(c.error_contains);
  });
});

describe.skipIf(!present)('checkpoints of Sigsum logs (litewitness)', () => {
  interface WitnessCases {
    log_key_hex: string;
    sequence: { request: string; status: number; asserts: string[] }[];
  }

  it('verify, and are consistent where the witness says so', () => {
    const { log_key_hex, sequence } = read<WitnessCases>('tlog-witness/add-checkpoint.json');
    const publicKey = Uint8Array.from(Buffer.from(log_key_hex, 'hex'));
    const origin = sequence[0]?.request.split('\n')[2] ?? '';
    const verifier = createNoteVerifier(portableCrypto, formatVerifierKey(sha256, origin, publicKey));
    let [oldSize, oldRoot] = [0, sha256(new Uint8Array(0))];
    for (const { request, status, asserts } of sequence) {
      const split = request.indexOf('\n\n');
      const [old = '', ...proof] = request.slice(0, split).split('\n');
      if (status === 409) continue;
      const refusal = refusalOf(() => {
        const { size, root } = verifyCheckpoint(request.slice(split + 2), { origin, keys: [verifier] });
        expect(old).toBe(`old ${oldSize}`);
        const claim = { oldSize, oldRoot, newSize: size, newRoot: root, proof: proof.map(bytesOf) };
        if (oldSize > 0) verifyConsistency(hasher, claim);
        [oldSize, oldRoot] = [size, root];
      });
      expect([asserts, refusal === undefined]).toEqual([asserts, status === 200]);
    }
    expect(oldSize).toBe(5);
  });
});

describe.skipIf(!present)('checkpoints of Rekor (sigstore-conformance)', () => {
  interface RekorCase {
    tlogEntries: {
      inclusionProof?: {
        logIndex: string;
        treeSize: string;
        hashes: string[];
        checkpoint: { envelope: string };
      };
      canonicalizedBody: string;
    }[];
  }
  interface TrustedRoot {
    tlogs: { baseUrl: string; publicKey: { rawBytes: string; keyDetails: string } }[];
  }

  /** Verifies the checkpoint of a Rekor v2 log, and the entry's inclusion under it. */
  function verify(name: string): void {
    const { tlogs } = read<TrustedRoot>('rekor-checkpoint/trusted_root.json');
    const keys = tlogs.filter((log) => log.publicKey.keyDetails === 'PKIX_ED25519');
    expect(keys).toHaveLength(1);
    const origin = new URL(keys[0]!.baseUrl).host;
    const publicKey = bytesOf(keys[0]!.publicKey.rawBytes).slice(-32);
    const verifier = createNoteVerifier(portableCrypto, formatVerifierKey(sha256, origin, publicKey));
    const [entry] = read<RekorCase>(`rekor-checkpoint/${name}.json`).tlogEntries;
    if (entry?.inclusionProof === undefined) throw new TrustError('PROOF_NOT_PROVEN', 'there is no proof');
    const { logIndex, hashes, checkpoint: note } = entry.inclusionProof;
    const { size, root } = verifyCheckpoint(note.envelope, { origin, keys: [verifier] });
    const leafHash = hasher.leaf(bytesOf(entry.canonicalizedBody));
    verifyInclusion(hasher, { index: Number(logIndex), size, root, leafHash, proof: hashes.map(bytesOf) });
  }

  it('verify, also with cosignatures before or after the signature of the log', () => {
    // Of those with `_fail` what fails is in the entry, its signature or its time: not the checkpoint.
    for (const name of [
      'rekor2-checkpoint-cosigned',
      'rekor2-checkpoint-multiple-cosigs',
      'rekor2-checkpoint-origin-not-first',
      'rekor2-no-timestamp_fail',
      'rekor2-timestamp-outside-trust-root-tsa-validity_fail',
      'rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail',
      'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail',
      'rekor2-timestamp-with-embedded-cert',
      'rekor2-timestamp-without-embedded-cert',
    ]) {
      expect([name, refusalOf(() => verify(name))]).toEqual([name, undefined]);
    }
  });

  it('have cosignatures of witnesses, with a time', () => {
    for (const [name, witnesses] of [
      ['rekor2-checkpoint-cosigned', ['witness.example']],
      ['rekor2-checkpoint-multiple-cosigs', ['witness.example/w1', 'witness.example/w2']],
      ['rekor2-checkpoint-origin-not-first', ['witness.example']],
    ] as const) {
      const [entry] = read<RekorCase>(`rekor-checkpoint/${name}.json`).tlogEntries;
      const { signatures } = parseNote(entry!.inclusionProof!.checkpoint.envelope);
      const cosigned = signatures.flatMap(({ name, signature }) => {
        const time = cosignatureTime(signature);
        return time === undefined ? [] : [[name, new Date(time * 1000).getUTCFullYear()]];
      });
      expect([name, cosigned.sort()]).toEqual([name, witnesses.map((witness) => [witness, 2025])]);
    }
  });

  it('are refused without a valid signature of the log', () => {
    for (const name of [
      'rekor2-checkpoint-missing-log-signature_fail',
      'rekor2-checkpoint-missing-origin_fail',
      'rekor2-checkpoint-no-matching-signature_fail',
      'rekor2-no-inclusion-proof_fail',
    ]) {
      expect([name, refusalOf(() => verify(name))]).not.toEqual([name, undefined]);
    }
  });

  it('of Rekor v1, signed with ECDSA, and of a log whose key is not in the data, are read, and their inclusion proofs hold or fail as they must', () => {
    for (const [name, holds] of [
      ['checkpoint-bad-keyhint_fail', true],
      ['checkpoint-wrong-roothash_fail', false],
      ['inclusion-proof-corrupted-hash_fail', false],
      ['rekor2-dsse-happy-path', true],
      ['rekor2-dsse-invalid-sig_fail', true],
      ['rekor2-dsse-mismatch-envelope_fail', true],
    ] as const) {
      const [entry] = read<RekorCase>(`rekor-checkpoint/${name}.json`).tlogEntries;
      const { logIndex, hashes, checkpoint: note } = entry!.inclusionProof!;
      const { size, root } = parseCheckpoint(parseNote(note.envelope).text);
      const leafHash = hasher.leaf(bytesOf(entry!.canonicalizedBody));
      const claim = { index: Number(logIndex), size, root, leafHash, proof: hashes.map(bytesOf) };
      expect([name, refusalOf(() => verifyInclusion(hasher, claim)) === undefined]).toEqual([name, holds]);
    }
  });
});
