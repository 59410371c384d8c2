import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrustError } from '../error.js';
import { EMPTY_EDGE, edgeRoot, growLog, type LogEdge, restoreEdge } from './log-edge.js';
import { makeProof, planConsistency, planInclusion } from './proof.js';
import { verifyConsistency, verifyInclusion } from './proof-check.js';
import { planRange, rootAt } from './range.js';
import { hasher, sampleEntries, slowRoot } from './testing/reference.js';
import { decodeEntryBundle, edgeTiles, type TileId, tilePath, tilesOf } from './tile.js';
import { createTileReader, tilesForNodes } from './tile-reader.js';

type Files = Map<string, Uint8Array>;

/** Grows a log batch by batch and keeps every file it ever wrote. */
function build(entries: readonly Uint8Array[], batches: readonly number[]): { edge: LogEdge; files: Files } {
  const files: Files = new Map();
  let edge = EMPTY_EDGE;
  let at = 0;
  for (const batch of [...batches, entries.length]) {
    const growth = growLog(hasher, edge, entries.slice(at, at + batch));
    const expected = [...tilesOf(growth.size, edge.frontier.size)].map(tilePath);
    expect(growth.writes.map((write) => write.path)).toEqual(expected);
    for (const { path, bytes } of growth.writes) files.set(path, bytes);
    at = growth.size;
    edge = growth.edge;
  }
  return { edge, files };
}

const fileOf = (files: Files) => (tile: TileId) => files.get(tilePath(tile)) as Uint8Array;

const ENTRIES = sampleEntries(70_000);
const SMALL = ENTRIES.slice(0, 700);
const ROOT = slowRoot(SMALL);
const small = build(SMALL, [1, 0, 254, 1, 1, 300]);

describe('growing a log', () => {
  it('has the RFC 6962 root after every batch, and the tiles of that size', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 6 }), (batches) => {
        const { edge, files } = build(SMALL, batches);
        expect(edge.frontier.size).toBe(700);
        expect(edgeRoot(hasher, edge)).toEqual(ROOT);
        for (const tile of tilesOf(700))
          expect(files.get(tilePath(tile))).toEqual(small.files.get(tilePath(tile)));
      }),
      { numRuns: 20 },
    );
  });

  it('answers the leaf hash of each entry and keeps the entries in bundles', () => {
    const growth = growLog(hasher, small.edge, [ENTRIES[700]!]);
    expect(growth.leafHashes).toEqual([hasher.leaf(ENTRIES[700]!)]);
    expect(growth.root).toEqual(slowRoot(ENTRIES.slice(0, 701)));
    expect(decodeEntryBundle(small.files.get('tile/entries/001')!, 256)).toEqual(SMALL.slice(256, 512));
  });

  it('leaves the edge it was given as it was, so that a failed write can be tried again', () => {
    const first = growLog(hasher, small.edge, ENTRIES.slice(700, 900));
    expect(growLog(hasher, small.edge, ENTRIES.slice(700, 900))).toEqual(first);
    expect(small.edge.frontier.size).toBe(700);
    expect(EMPTY_EDGE).toEqual({ frontier: { size: 0, hashes: [] }, hashes: [], entries: [] });
  });

  it('spans three tile levels', () => {
    const { edge, files } = build(ENTRIES, [65_535, 1, 1]);
    expect(edgeRoot(hasher, edge)).toEqual(slowRoot(ENTRIES));
    const read = createTileReader(hasher, 70_000, fileOf(files));
    expect(rootAt(hasher, read, 70_000)).toEqual(slowRoot(ENTRIES));
    const plan = planInclusion(65_600, 70_000);
    const proof = makeProof(hasher, read, plan);
    const root = edgeRoot(hasher, edge);
    verifyInclusion(hasher, {
      index: 65_600,
      size: 70_000,
      leafHash: hasher.leaf(ENTRIES[65_600]!),
      root,
      proof,
    });
    expect(restoreEdge(hasher, 70_000, fileOf(files))).toEqual(edge);
    expect(edgeTiles(70_000).every((tile) => files.has(tilePath(tile)))).toBe(true);
  });

  it('refuses an entry that no bundle can hold, before anything else', () => {
    expect(() => growLog(hasher, EMPTY_EDGE, [new Uint8Array(65_536)])).toThrow(RangeError);
    expect(growLog(hasher, EMPTY_EDGE, [new Uint8Array(65_535)]).size).toBe(1);
  });
});

describe('restoring the edge', () => {
  it('goes on exactly where the log was, around every kind of edge', () => {
    const isNearEdge = (size: number): boolean => (size + 4) % 256 < 8 || size % 41 === 0;
    let edge: LogEdge = EMPTY_EDGE;
    const files: Files = new Map();
    for (const [size, entry] of ENTRIES.slice(0, 520).entries()) {
      if (isNearEdge(size)) expect(restoreEdge(hasher, size, fileOf(files))).toEqual(edge);
      const growth = growLog(hasher, edge, [entry]);
      for (const { path, bytes } of growth.writes) files.set(path, bytes);
      edge = growth.edge;
    }
  });

  it('refuses an entry that is not the one that was hashed', () => {
    const files = new Map(small.files);
    const bundle = Uint8Array.from(files.get('tile/entries/002.p/188')!);
    bundle[5]! ^= 1;
    files.set('tile/entries/002.p/188', bundle);
    expect(() => restoreEdge(hasher, 700, fileOf(files))).toThrow(
      expect.objectContaining({ code: 'LOG_CORRUPT' }) as TrustError,
    );
    expect(() => restoreEdge(hasher, 700, fileOf(files))).toThrow(/tile\/entries\/002\.p\/188/);
  });

  it('refuses tiles cut short, as after a torn write', () => {
    for (const path of ['tile/entries/002.p/188', 'tile/0/002.p/188', 'tile/1/000.p/2']) {
      for (const keep of [0, 1, 33]) {
        const files = new Map(small.files).set(path, small.files.get(path)!.subarray(0, keep));
        expect(() => restoreEdge(hasher, 700, fileOf(files))).toThrow(TrustError);
      }
    }
  });

  it('passes on what the storage throws', () => {
    const read = (): Uint8Array => {
      throw new Error('disk');
    };
    expect(() => restoreEdge(hasher, 700, read)).toThrow('disk');
  });

  it('shows a changed hash in the root, which the caller compares with the checkpoint', () => {
    const files = new Map(small.files);
    const tile = Uint8Array.from(files.get('tile/1/000.p/2')!);
    tile[0]! ^= 1;
    files.set('tile/1/000.p/2', tile);
    expect(edgeRoot(hasher, restoreEdge(hasher, 700, fileOf(files)))).not.toEqual(slowRoot(SMALL));
  });
});

describe('proofs from tiles', () => {
  const read = createTileReader(hasher, 700, fileOf(small.files));

  it('prove any leaf, reading only the tiles they name', () => {
    for (let index = 0; index < 700; index += 7) {
      const plan = planInclusion(index, 700);
      const named = new Set(tilesForNodes(plan.flat(), 700).map(tilePath));
      const only = createTileReader(hasher, 700, (tile) =>
        named.has(tilePath(tile)) ? small.files.get(tilePath(tile)) : undefined,
      );
      const proof = makeProof(hasher, only, plan);
      expect(makeProof(hasher, read, plan)).toEqual(proof);
      const leafHash = hasher.leaf(SMALL[index]!);
      verifyInclusion(hasher, { index, size: 700, leafHash, root: ROOT, proof });
    }
  });

  it('prove the log consistent with each earlier size', () => {
    for (let oldSize = 1; oldSize <= 700; oldSize += 13) {
      const proof = makeProof(hasher, read, planConsistency(oldSize, 700));
      const oldRoot = slowRoot(SMALL.slice(0, oldSize));
      verifyConsistency(hasher, { oldSize, oldRoot, newSize: 700, newRoot: ROOT, proof });
    }
  });

  it('are made from what was computed before, without the tile', () => {
    const levels = new Map<string, Uint8Array>();
    const first = createTileReader(hasher, 700, fileOf(small.files), levels);
    const plan = planInclusion(300, 700);
    const proof = makeProof(hasher, first, plan);
    expect([...levels.keys()].sort()).toEqual(tilesForNodes(plan.flat(), 700).map(tilePath).sort());
    const again = createTileReader(hasher, 700, () => undefined, levels);
    expect(makeProof(hasher, again, plan)).toEqual(proof);
    expect(() => again({ level: 0, index: 0 })).toThrow(RangeError);
  });

  it('read an older size from tiles that have grown since', () => {
    const grown = createTileReader(hasher, 600, (tile) => {
      const wider = { ...tile, width: tile.index === 2 && tile.level === 0 ? 188 : 256 };
      return small.files.get(tilePath(tile.level === 1 ? { ...tile, width: 2 } : wider));
    });
    expect(rootAt(hasher, grown, 600)).toEqual(slowRoot(SMALL.slice(0, 600)));
  });

  it('do not come from a tile that is too short, too long, or no tile', () => {
    for (const length of [0, 31, 32 * 187, 32 * 188 + 1, 32 * 257]) {
      const bad = createTileReader(hasher, 700, () => new Uint8Array(length));
      expect(() => bad({ level: 0, index: 600 })).toThrow(
        expect.objectContaining({ code: 'LOG_CORRUPT' }) as TrustError,
      );
    }
    expect(() => createTileReader(hasher, 700, () => undefined)({ level: 0, index: 0 })).toThrow(RangeError);
  });

  it('know no node beyond the tree', () => {
    for (const node of [
      { level: 0, index: 700 },
      { level: 2, index: 175 },
      { level: 8, index: 2 },
      { level: 9, index: 1 },
      { level: 60, index: 0 },
      { level: -1, index: 0 },
      { level: 0, index: -1 },
      { level: 0.5, index: 0 },
    ]) {
      expect(() => read(node)).toThrow(RangeError);
      expect(() => tilesForNodes([node], 700)).toThrow(RangeError);
    }
    expect(tilesForNodes(planRange(0, 700), 700).map(tilePath)).toEqual([
      'tile/1/000.p/2',
      'tile/0/002.p/188',
    ]);
  });
});
