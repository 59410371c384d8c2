import { describe, expect, it } from 'vitest';
import { TrustError } from '../error.js';
import { createTreeHasher } from '../log/hash.js';
import { EMPTY_EDGE, growLog } from '../log/log-edge.js';
import { sampleEntries, slowRoot } from '../log/testing/reference.js';
import { encodeEntryBundle, encodeHashTile, TILE_WIDTH, type TileId, tilePath } from '../log/tile.js';
import { createNodeCrypto } from '../node/crypto.js';
import { examineTree } from './examine-tree.js';
import type { LogFault } from './fault.js';
import type { TileSource } from './tile-source.js';

const hasher = createTreeHasher(createNodeCrypto().sha256);

type Files = Map<string, Uint8Array>;

interface Log {
  readonly size: number;
  readonly root: Uint8Array;
  readonly entries: readonly Uint8Array[];
  readonly files: Files;
}

function logOf(count: number): Log {
  const entries = sampleEntries(count);
  const growth = growLog(hasher, EMPTY_EDGE, entries);
  const files = new Map(growth.writes.map(({ path, bytes }) => [path, bytes]));
  return { size: count, root: growth.root, entries, files };
}

const LOG = logOf(700);
const copy = (log: Log, change: (files: Files) => void): Log => {
  const files = new Map([...log.files].map(([path, bytes]) => [path, Uint8Array.from(bytes)]));
  change(files);
  return { ...log, files };
};
const flip = (files: Files, path: string, at: number): void => {
  const bytes = files.get(path)!;
  bytes[at]! ^= 1;
};

async function examine(log: Log, options: { pruned?: number; onRecord?: number; source?: TileSource } = {}) {
  const faults: LogFault[] = [];
  const entries: [number, number][] = [];
  const progress: number[] = [];
  const gone: [number, number | undefined][] = [];
  const { onRecord } = options;
  await examineTree({
    hasher,
    size: log.size,
    root: log.root,
    pruned: options.pruned ?? 0,
    ...(onRecord === undefined ? {} : { onRecord: () => onRecord }),
    onGone: (from, hashes) => void gone.push([from, hashes?.length]),
    source: options.source ?? (async (tile: TileId) => log.files.get(tilePath(tile))),
    onFault: (fault) => void faults.push(fault),
    onEntries: (from, found) => void entries.push([from, found.length]),
    onProgress: (done) => void progress.push(done),
  });
  return { faults, entries, gone, progress };
}

const faultsOf = async (log: Log, options = {}) => (await examine(log, options)).faults;

// AUD-79
describe('a log whose signed size is nearly all', () => {
  it('is looked at until that is plain', async () => {
    const found = await faultsOf({ ...LOG, size: 2 ** 40 });
    expect(found.slice(-17)).toContainEqual({
      where: 'log',
      what: 'has 10000 faults up to here: the rest was not looked at',
    });
    expect(found.length).toBeLessThan(10_100);
  });
});

// AUD-79
describe('a log without faults', () => {
  it.each([0, 1, 2, 255, 256, 257, 512, 700])('of %i entries has none', async (count) => {
    const log = count === 0 ? { ...LOG, size: 0, root: hasher.empty(), files: new Map() } : logOf(count);
    const { faults, entries, progress } = await examine(log);
    expect(faults).toEqual([]);
    expect(entries.reduce((sum, [, found]) => sum + found, 0)).toBe(count);
    expect(progress.at(-1) ?? 0).toBe(count);
  });

  it('has none over three levels of tiles, and every fault there is named where it is', async () => {
    const log = logOf(66_000);
    expect(await faultsOf(log)).toEqual([]);
    const cases: [string, number, Partial<LogFault>][] = [
      ['tile/0/100', 32 * 7, { where: 'tile/0/100', index: 100 * 256 + 7 }],
      ['tile/1/000', 32 * 9, { where: 'tile/1/000', index: 9 * 256 }],
      ['tile/2/000.p/1', 5, { where: 'tile/2/000.p/1', index: 0 }],
      ['tile/1/001.p/1', 5, { where: 'tile/1/001.p/1', index: 65_536 }],
    ];
    for (const [path, at, fault] of cases) {
      const faults = await faultsOf(copy(log, (files) => flip(files, path, at)));
      expect(faults).toEqual([expect.objectContaining(fault)]);
    }
  }, 120_000);
});

describe('one flipped bit', () => {
  const hashTiles = [...LOG.files.keys()].filter((path) => !path.startsWith('tile/entries/'));
  const bundles = [...LOG.files.keys()].filter((path) => path.startsWith('tile/entries/'));

  it('in any hash of any tile is found there, and nowhere else', async () => {
    expect(hashTiles).toEqual(['tile/0/000', 'tile/0/001', 'tile/0/002.p/188', 'tile/1/000.p/2']);
    for (const path of hashTiles) {
      const { length } = LOG.files.get(path)!;
      for (let at = 0; at < length; at += 32 * 37) {
        const faults = await faultsOf(copy(LOG, (files) => flip(files, path, at + 3)));
        const level = Number(path.slice(5, 6));
        const index = (Number(path.slice(7, 10)) * 256 + at / 32) * 256 ** level;
        expect(faults).toEqual([
          { where: path, index, what: expect.stringContaining('its hash is not that of') },
        ]);
      }
    }
  });

  it('in any entry is found there', async () => {
    for (const path of bundles) {
      // `entry 0` follows two bytes of its length.
      const faults = await faultsOf(copy(LOG, (files) => flip(files, path, 4)));
      const index = Number(path.slice(13, 16)) * 256;
      expect(faults).toEqual([{ where: path, index, what: 'the entry is not the one that was hashed' }]);
    }
  });

  it('in the length of an entry makes the bundle unreadable, and nothing else', async () => {
    for (const path of bundles) {
      const { faults, entries } = await examine(copy(LOG, (files) => flip(files, path, 0)));
      expect(faults).toEqual([{ where: path, what: expect.stringContaining('cannot be read') }]);
      expect(entries).toHaveLength(2);
    }
  });
});

describe('a file that is not there', () => {
  it.each([...LOG.files.keys()])('is named: %s', async (path) => {
    const faults = await faultsOf(copy(LOG, (files) => void files.delete(path)));
    expect(faults).toEqual([{ where: path, what: 'is missing' }]);
  });

  it('and its bundle with it leaves the rest to be compared', async () => {
    const torn = copy(LOG, (files) => {
      files.delete('tile/0/001');
      files.delete('tile/entries/001');
      flip(files, 'tile/0/000', 40);
    });
    expect((await faultsOf(torn)).map(({ where }) => where).sort()).toEqual([
      'tile/0/000',
      'tile/0/001',
      'tile/entries/001',
    ]);
  });

  it('nor what stands above and below it, is all that can be said', async () => {
    const gone = ['tile/1/000.p/2', 'tile/0/001', 'tile/entries/001'];
    const torn = copy(LOG, (files) => {
      for (const path of gone) files.delete(path);
    });
    expect((await faultsOf(torn)).map(({ where }) => where).sort()).toEqual(gone.sort());
  });

  it('takes nothing from what is found elsewhere', async () => {
    const torn = copy(LOG, (files) => {
      files.delete('tile/entries/002.p/188');
      flip(files, 'tile/1/000.p/2', 40);
    });
    expect((await faultsOf(torn)).map(({ where, index }) => [where, index])).toEqual([
      ['tile/entries/002.p/188', undefined],
      ['tile/1/000.p/2', 256],
    ]);
  });

  it('and the tile above it leave nothing to tell which of two is right', async () => {
    const torn = copy(LOG, (files) => {
      files.delete('tile/1/000.p/2');
      flip(files, 'tile/0/000', 40);
    });
    expect(await faultsOf(torn)).toEqual([
      { where: 'tile/0/000', index: 1, what: expect.stringContaining('neither leads to the root') },
      { where: 'tile/1/000.p/2', what: 'is missing' },
    ]);
  });

  it('may be a bundle of what was pruned, and only that', async () => {
    const pruned = copy(LOG, (files) => {
      for (const path of ['tile/entries/000', 'tile/entries/001']) files.delete(path);
    });
    expect(await faultsOf(pruned, { pruned: 512 })).toEqual([]);
    expect(await faultsOf(pruned, { pruned: 511 })).toEqual([
      { where: 'tile/entries/001', what: 'is missing' },
    ]);
    // AUD-115: what is said of it counts for nothing, what is on record does.
    expect(await faultsOf(pruned, { pruned: 512, onRecord: 256 })).toEqual([
      { where: 'tile/entries/001', what: 'is missing' },
    ]);
    expect((await examine(pruned, { pruned: 512 })).gone).toEqual([
      [0, 256],
      [256, 256],
    ]);
    // What is still there is compared nevertheless.
    const changed = copy(LOG, (files) => flip(files, 'tile/entries/000', 4));
    expect(await faultsOf(changed, { pruned: 512 })).toHaveLength(1);
  });
});

describe('somebody who changes more than one file', () => {
  const forged = Uint8Array.of(1, 2, 3);
  /** Another entry 300, with its hash. */
  const rewrite = (files: Files, tile: TileId): void => {
    const from = tile.index * TILE_WIDTH;
    const entries = LOG.entries.slice(from, from + tile.width).map((entry, i) => (i === 44 ? forged : entry));
    files.set(tilePath({ ...tile, level: 'entries' }), encodeEntryBundle(entries));
    files.set(tilePath(tile), encodeHashTile(entries.map((entry) => hasher.leaf(entry))));
  };

  it('an entry and its hash, is found by the tile above', async () => {
    const changed = copy(LOG, (files) => rewrite(files, { level: 0, index: 1, width: 256 }));
    expect(await faultsOf(changed)).toEqual([
      { where: 'tile/0/001', index: 256, what: 'the tile is not the one that was hashed' },
    ]);
  });

  it('an entry at the end and its hash, is found by the root', async () => {
    const changed = copy(LOG, (files) => rewrite(files, { level: 0, index: 2, width: 188 }));
    expect(await faultsOf(changed)).toEqual([
      { where: 'checkpoint', what: 'the tiles do not lead to its root' },
    ]);
  });

  it('everything up to the root, is found by the root', async () => {
    const other = logOf(700);
    expect(await faultsOf({ ...other, root: slowRoot(sampleEntries(699)) })).toEqual([
      { where: 'checkpoint', what: 'the tiles do not lead to its root' },
    ]);
  });

  it('an entry and another hash, is found with both', async () => {
    const changed = copy(LOG, (files) => {
      flip(files, 'tile/entries/000', 4);
      flip(files, 'tile/0/000', 32 * 7);
    });
    expect(await faultsOf(changed)).toEqual([
      { where: 'tile/0/000', index: 0, what: expect.stringContaining('neither') },
      { where: 'tile/0/000', index: 7, what: expect.stringContaining('neither') },
      { where: 'tile/0/000', index: 0, what: 'the tile is not the one that was hashed' },
    ]);
  });

  it('the end and its hash in different ways, is found with both', async () => {
    const changed = copy(LOG, (files) => {
      flip(files, 'tile/entries/002.p/188', 4);
      flip(files, 'tile/0/002.p/188', 32 * 7);
    });
    expect((await faultsOf(changed)).map(({ where, index }) => [where, index])).toEqual([
      ['tile/0/002.p/188', 512],
      ['tile/0/002.p/188', 519],
      ['checkpoint', undefined],
    ]);
  });
});

describe('a source', () => {
  const failing =
    (error: unknown, path: string): TileSource =>
    async (tile) => {
      if (tilePath(tile) === path) throw error;
      return LOG.files.get(tilePath(tile));
    };

  it('that says what a file cannot be is told of it', async () => {
    const error = new TrustError('LOG_CORRUPT', 'too long');
    const faults = await faultsOf(LOG, { source: failing(error, 'tile/0/001') });
    expect(faults).toEqual([{ where: 'tile/0/001', what: 'cannot be read: too long' }]);
  });

  it.each([new TrustError('UNAVAILABLE', 'not now'), new Error('a cable')])(
    'that fails ends it: %s',
    async (error) => {
      await expect(faultsOf(LOG, { source: failing(error, 'tile/entries/002.p/188') })).rejects.toBe(error);
    },
  );
});
