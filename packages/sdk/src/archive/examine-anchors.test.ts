import {
  createTreeHasher,
  encodeBase64url,
  encodeHashTile,
  encodeHex,
  encodeOtsFile,
  type LogFault,
  otsDigest,
  rootOf,
  SHA256_OP,
  TrustError,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnchorExaminer, createRootReader } from './examine-anchors.js';

const hasher = createTreeHasher(createNodeCrypto().sha256);
const ORIGIN = 'talos.test/1/default';
const SIZE = 600;
const hashes = Array.from({ length: SIZE }, (_, i) => hasher.leaf(Uint8Array.of(i >> 8, i)));
const rootOfFirst = (size: number): Uint8Array => rootOf(hasher, hashes.slice(0, size));
const upper = [0, 1].map((tile) => rootOf(hasher, hashes.slice(tile * 256, (tile + 1) * 256)));
const rootAt = createRootReader(hasher, { size: SIZE, root: rootOfFirst(SIZE) }, async (tile) =>
  tile.level === 0
    ? encodeHashTile(hashes.slice(tile.index * 256, tile.index * 256 + tile.width))
    : encodeHashTile(upper),
);

function fileOf(size: number, blocks = 1): Uint8Array {
  const branches = Array.from({ length: blocks }, (_, index) => ({
    attestation: { kind: 'bitcoin' as const, height: 900_000 + index },
  }));
  const timestamp = { message: otsDigest(ORIGIN, size, rootOfFirst(size)), branches };
  return encodeOtsFile({ hash: SHA256_OP.tag, timestamp });
}
const claim = (size: number) => ({ origin: ORIGIN, size, root: encodeHex(rootOfFirst(size)) });
const anchored = (size: number, ots = fileOf(size)) => ({
  kind: 'opentimestamps',
  ...claim(size),
  ots: encodeBase64url(ots),
});

async function look(value: unknown, log: { readonly rootAt?: typeof rootAt } = { rootAt }) {
  const faults: LogFault[] = [];
  const onFault = (fault: LogFault): void => void faults.push(fault);
  const examiner = createAnchorExaminer({ origin: ORIGIN, size: SIZE, rootAt: log.rootAt, onFault });
  return { proof: await examiner.follow(value, 'x'), faults };
}

// AUD-129
describe('a look at an anchor', () => {
  it('finds nothing wrong with one of the tree, at whatever size', async () => {
    for (const size of [1, 2, 3, 255, 256, 257, 511, 512, 513, 599, 600])
      expect([size, (await look(anchored(size))).faults]).toEqual([size, []]);
  });

  it('says nothing of roots where the tree is not known', async () => {
    const other = { ...anchored(7), root: encodeHex(rootOfFirst(8)) };
    expect((await look(other)).faults).toMatchObject([{ what: expect.stringContaining('another root') }]);
    const { faults } = await look(other, {});
    // The timestamp is of the root of seven all the same.
    expect(faults).toMatchObject([{ what: expect.stringContaining('does not hold') }]);
  });

  it('takes at most eight blocks of one with a header: an explorer is asked about each (AUD-43)', async () => {
    const header = new Uint8Array(80);
    header.set(otsDigest(ORIGIN, 7, rootOfFirst(7)), 36);
    const inBlocks = (blocks: number) => ({
      ...anchored(7, fileOf(7, blocks)),
      header: encodeBase64url(header),
    });
    expect((await look(inBlocks(8))).faults).toEqual([]);
    const { proof, faults } = await look(inBlocks(9));
    expect([proof, faults]).toMatchObject([
      undefined,
      [{ what: expect.stringContaining('names more than 8 blocks of Bitcoin') }],
    ]);
    // Of several calendars, and nobody is asked.
    expect((await look(anchored(7, fileOf(7, 64)))).faults).toEqual([]);
  });

  it('takes it or names what is wrong, whatever is in it', async () => {
    const file = fileOf(300);
    const mutated = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
      const bytes = Uint8Array.from(file);
      bytes[at] = (bytes[at] ?? 0) ^ bits;
      return anchored(300, bytes);
    });
    const anything = fc.oneof(
      mutated,
      fc.json().map((text) => JSON.parse(text) as unknown),
      fc.uint8Array({ minLength: 2, maxLength: 80 }).map((bytes) => anchored(300, bytes)),
      fc.uint8Array({ maxLength: 90 }).map((bytes) => ({ ...anchored(9), header: encodeBase64url(bytes) })),
      fc.integer().map((size) => ({ ...anchored(9), size })),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const { proof, faults } = await look(value);
        expect(faults.length).toBe(proof === undefined ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });

  it('ends where a tile is gone: the tree was whole a moment ago', async () => {
    const gone = createRootReader(hasher, { size: SIZE, root: rootOfFirst(SIZE) }, async () => undefined);
    await expect(look(anchored(5), { rootAt: gone })).rejects.toThrow(TrustError);
    expect((await look(anchored(SIZE), { rootAt: gone })).faults).toEqual([]);
  });
});
