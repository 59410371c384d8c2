import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import {
  decodeEntryBundle,
  decodeHashTile,
  edgeTiles,
  encodeEntryBundle,
  encodeHashTile,
  parseTilePath,
  type TileId,
  tilePath,
  tilesOf,
} from './tile.js';

const paths = (size: number, oldSize = 0): string[] => [...tilesOf(size, oldSize)].map(tilePath);

function refuses(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    expect(isTrustError(error) && error.code).toBe('MALFORMED');
    return;
  }
  throw new Error('it was accepted');
}

describe('tile path', () => {
  it('is the one of C2SP tlog-tiles', () => {
    expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 2, index: 0, width: 1 })).toBe('tile/2/000.p/1');
    expect(tilePath({ level: 'entries', index: 273, width: 112 })).toBe('tile/entries/273.p/112');
    expect(tilePath({ level: 0, index: 1000, width: 256 })).toBe('tile/0/x001/000');
  });

  it('is read back', () => {
    const level = fc.oneof(fc.constant<TileId['level']>('entries'), fc.nat(6));
    const tile = fc.record({ level, index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(tile, (id) => {
        expect(parseTilePath(tilePath(id))).toEqual(id);
      }),
    );
  });

  it('has one spelling', () => {
    const wrong = [
      '',
      'tile',
      'tile/0',
      'tile/0/0',
      'tile/0/00',
      'tile/0/0000',
      'tile/00/000',
      'tile/7/000',
      'tile/64/000',
      'tile/-1/000',
      'tile/data/000',
      'tile/0/x000/000',
      'tile/0/x000/x001/000',
      'tile/0/001/000',
      'tile/0/x001/x000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/999',
      'tile/0/000.p/01',
      'tile/0/000.p/',
      'tile/0/000/',
      '/tile/0/000',
      'tile/0/../000',
      'tile/0/000\n',
      'tile/0/X001/000',
      'tile/0/x999/x999/x999/x999/x999/999',
      'tile/0/٠٠٠',
    ];
    for (const path of wrong) refuses(() => parseTilePath(path));
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'tile/0x1.pentries') })),
        (path) => {
          refuses(() => parseTilePath(path));
        },
      ),
    );
  });

  it('is not written for a tile that cannot be', () => {
    for (const tile of [
      { level: 7, index: 0, width: 1 },
      { level: -1, index: 0, width: 1 },
      { level: 0.5, index: 0, width: 1 },
      { level: 0, index: -1, width: 1 },
      { level: 0, index: 2 ** 53, width: 1 },
      { level: 0, index: 0, width: 0 },
      { level: 0, index: 0, width: 257 },
      { level: 0, index: 0, width: 1.5 },
    ]) {
      expect(() => tilePath(tile)).toThrow(RangeError);
    }
  });
});

describe('tiles of a tree', () => {
  it('are those of the examples of C2SP tlog-tiles', () => {
    const all = paths(70_000).filter((path) => !path.includes('entries'));
    expect(all).toHaveLength(273 + 1 + 1 + 1 + 1);
    expect(all.slice(272)).toEqual([
      'tile/0/272',
      'tile/0/273.p/112',
      'tile/1/000',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
    ]);
    expect(paths(256)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
    expect(paths(0)).toEqual([]);
  });

  it('grow by those that are new or wider', () => {
    expect(paths(258, 255)).toEqual([
      'tile/entries/000',
      'tile/entries/001.p/2',
      'tile/0/000',
      'tile/0/001.p/2',
      'tile/1/000.p/1',
    ]);
    expect(paths(258, 257)).toEqual(['tile/entries/001.p/2', 'tile/0/001.p/2']);
    expect(paths(300, 300)).toEqual([]);
    expect(paths(10, 300)).toEqual([]);
    expect(() => paths(-1)).toThrow(RangeError);
    expect(() => paths(1, 0.5)).toThrow(RangeError);
  });

  it('end in the partial ones', () => {
    expect(edgeTiles(70_000).map(tilePath)).toEqual([
      'tile/entries/273.p/112',
      'tile/0/273.p/112',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
    ]);
    expect(edgeTiles(256).map(tilePath)).toEqual(['tile/1/000.p/1']);
    expect(edgeTiles(0)).toEqual([]);
    expect(edgeTiles(Number.MAX_SAFE_INTEGER)).toHaveLength(8);
  });
});

describe('hash tile', () => {
  it('is its hashes, in order', () => {
    const hashes = Array.from({ length: 256 }, (_, i) => new Uint8Array(32).fill(i));
    const tile = encodeHashTile(hashes);
    expect(tile).toHaveLength(8192);
    expect(decodeHashTile(tile, 256)).toEqual(hashes);
    expect(decodeHashTile(tile.subarray(32, 64), 1)).toEqual([hashes[1]]);
  });

  it('has the width it was asked for', () => {
    for (const width of [0, 1, 3, 257, -1, 1.5, Number.NaN])
      refuses(() => decodeHashTile(new Uint8Array(64), width));
    refuses(() => decodeHashTile(new Uint8Array(65), 2));
    refuses(() => decodeHashTile(new Uint8Array(257 * 32), 257));
    expect(() => encodeHashTile([])).toThrow(RangeError);
    expect(() => encodeHashTile([new Uint8Array(31)])).toThrow(RangeError);
    expect(() => encodeHashTile(Array.from({ length: 257 }, () => new Uint8Array(32)))).toThrow(RangeError);
  });
});

describe('entry bundle', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 });

  it('is read back, also from the middle of a buffer', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const bundle = encodeEntryBundle(list);
        const within = Uint8Array.of(9, 9, 9, ...bundle, 9).subarray(3, 3 + bundle.length);
        expect(decodeEntryBundle(within, list.length)).toEqual(list);
      }),
    );
    expect(encodeEntryBundle([Uint8Array.of(7, 8), new Uint8Array(0)])).toEqual(
      Uint8Array.of(0, 2, 7, 8, 0, 0),
    );
    expect(decodeEntryBundle(encodeEntryBundle([new Uint8Array(65_535)]), 1)[0]).toHaveLength(65_535);
  });

  it('holds exactly the entries it was asked for', () => {
    const bundle = encodeEntryBundle([Uint8Array.of(1), Uint8Array.of(2, 3)]);
    for (const width of [0, 1, 3, 256, 257, 0.5, Number.NaN]) refuses(() => decodeEntryBundle(bundle, width));
    for (let length = 0; length < bundle.length; length++) {
      refuses(() => decodeEntryBundle(bundle.subarray(0, length), 2));
    }
    refuses(() => decodeEntryBundle(Uint8Array.of(...bundle, 0), 2));
    refuses(() => decodeEntryBundle(Uint8Array.of(0xff, 0xff, 1), 1));
  });

  it('refuses random bytes or reads them, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: -1, max: 300 }), (bytes, width) => {
        try {
          expect(encodeEntryBundle(decodeEntryBundle(bytes, width))).toEqual(bytes);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });

  it('is not written with entries it cannot hold', () => {
    expect(() => encodeEntryBundle([])).toThrow(RangeError);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(() => encodeEntryBundle(Array.from({ length: 257 }, () => new Uint8Array(0)))).toThrow(RangeError);
  });
});
