import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANCHOR_PAGE, type AnchorProof } from '@talosprotocol/contracts';
import {
  createNoteSigner,
  createNoteVerifier,
  createSigner,
  createTreeHasher,
  encodeBase64url,
  encodeHashTile,
  encodeHex,
  encodeOtsFile,
  formatVerifierKey,
  type LogFault,
  otsDigest,
  rootOf,
  SHA256_OP,
  signCheckpoint,
  type TileSource,
  verifyCheckpoint,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { archivedAnchors, createArchive, openArchive } from '@talosprotocol/sdk/archive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeAnchors } from './export-anchors.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const ORIGIN = 'talos.test/1/default';
const SIZE = 70;
const hashes = Array.from({ length: SIZE }, (_, i) => hasher.leaf(Uint8Array.of(i)));
const rootAt = (size: number): Uint8Array => rootOf(hasher, hashes.slice(0, size));
const { publicKey, sign } = createSigner(new Uint8Array(32).fill(1), crypto);
const note = signCheckpoint({ origin: ORIGIN, size: SIZE, root: rootAt(SIZE), extensions: [] }, [
  createNoteSigner(crypto.sha256, { name: ORIGIN, publicKey, sign }),
]);
const key = createNoteVerifier(crypto, formatVerifierKey(crypto.sha256, ORIGIN, publicKey));
const checkpoint = verifyCheckpoint(note, { origin: ORIGIN, keys: [key] });

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'talos-anchors-'));
});
afterAll(() => rm(place, { recursive: true }));

function anchored(size: number, root = rootAt(size)): AnchorProof {
  const branches = [{ attestation: { kind: 'bitcoin' as const, height: 900_000 } }];
  const timestamp = { message: otsDigest(ORIGIN, size, root), branches };
  const ots = encodeBase64url(encodeOtsFile({ hash: SHA256_OP.tag, timestamp }));
  return { kind: 'opentimestamps', origin: ORIGIN, size, root: encodeHex(root), ots };
}

/** Writes what a platform answers of these, so many at a time. */
async function written(all: readonly AnchorProof[], name: string, turn = (after: number) => after) {
  const faults: LogFault[] = [];
  const asked: number[] = [];
  const tiles: string[] = [];
  const source: TileSource = async ({ level, index, width }) => {
    tiles.push(`${level}/${index}`);
    return encodeHashTile(hashes.slice(0, width));
  };
  const client = {
    anchorProofs: async ({ to, after }: { to: number; after: number }) => {
      asked.push(to);
      const rest = all.filter(({ size }) => size > after && size <= to);
      const anchors = rest.slice(0, ANCHOR_PAGE);
      const last = anchors.at(-1);
      const isMore = rest.length > anchors.length && last !== undefined;
      return { anchors, next: isMore ? { after: turn(last.size), place: 'opentimestamps' } : null };
    },
  };
  const archive = await createArchive(join(place, name));
  const onFault = (fault: LogFault): void => void faults.push(fault);
  const writing = writeAnchors({ archive, client, checkpoint, crypto, onFault }, source);
  await writing.catch(async (error: unknown) => {
    await archive.discard();
    throw error;
  });
  await archive.finish();
  const read = await openArchive(join(place, name));
  const files: AnchorProof[][] = [];
  for await (const file of archivedAnchors(read)) files.push([...file]);
  await read.close();
  return { files, faults, asked, tiles };
}

// AUD-129
describe('the anchors of an export', () => {
  it('are all of those of trees that the archive holds, in full files', async () => {
    const all = Array.from({ length: SIZE + 5 }, (_, i) => anchored(i + 1, rootAt(Math.min(i + 1, SIZE))));
    const { files, faults, asked, tiles } = await written(all, 'all.tar');
    expect(faults).toEqual([]);
    expect(files.map(({ length }) => length)).toEqual([32, 32, 6]);
    expect(files.flat()).toEqual(all.slice(0, SIZE));
    expect(new Set(asked)).toEqual(new Set([SIZE]));
    // Neighbours go by the same tile, which is fetched once.
    expect(tiles).toEqual(['0/0']);
  });

  it('are none where the log is anchored nowhere', async () => {
    expect(await written([], 'none.tar')).toMatchObject({ files: [], faults: [] });
  });

  it('end where a platform does not go on', async () => {
    const all = Array.from({ length: 40 }, (_, i) => anchored(i + 1));
    await expect(written(all, 'again.tar', () => 1)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
  });

  it('that contradict the log are faults of it', async () => {
    const { files, faults } = await written([anchored(5), anchored(9, rootAt(8))], 'wrong');
    expect(faults).toEqual([
      { where: 'anchor', what: expect.stringMatching(/^the anchor of 9 events .* has another root/) },
    ]);
    expect(files.flat()).toEqual([anchored(5)]);
  });
});
