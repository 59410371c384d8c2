import { createTreeHasher, EMPTY_EDGE, encodeUtf8, growLog, tilePath } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { readChecked } from './checked-tiles.js';
import { assertHashTiles } from './hash-tiles.js';

const hasher = createTreeHasher(createNodeCrypto().sha256);

function logOf(size: number) {
  const entries = Array.from({ length: size }, (_, i) => encodeUtf8(`entry ${i}`));
  const { root, writes } = growLog(hasher, EMPTY_EDGE, entries);
  return {
    checkpoint: { size, root, note: '' },
    files: new Map(writes.map(({ path, bytes }) => [path, bytes])),
  };
}

type Log = ReturnType<typeof logOf>;

/** What is said when these files have a bit flipped each. */
async function saidOf({ checkpoint, files }: Log, flipped: readonly string[]): Promise<string> {
  const changed = new Map(files);
  for (const path of flipped) {
    const bytes = Uint8Array.from(files.get(path) as Uint8Array);
    (bytes[5] as number) ^= 1;
    changed.set(path, bytes);
  }
  const tiles = { read: async (tile: Parameters<typeof tilePath>[0]) => changed.get(tilePath(tile)) };
  const { found } = await readChecked(tiles, checkpoint.size);
  return assertHashTiles({ tiles, hasher }, checkpoint, found).then(
    () => 'nothing',
    (error: { data: { reason: string } }) => error.data.reason,
  );
}

describe('hash tiles of three levels (AUD-132)', () => {
  const log = logOf(66_000);

  it('lead to the root', async () => {
    expect(await saidOf(log, [])).toBe('nothing');
  });

  it.each(['tile/0/200', 'tile/0/257.p/208', 'tile/1/000', 'tile/1/001.p/1', 'tile/2/000.p/1'])(
    'name %s when it is damaged, and no tile beside, below or above it',
    async (path) => {
      const said = await saidOf(log, [path]);
      expect(said.match(/tile\/[0-9a-z./]+/g)).toEqual([path]);
    },
  );

  it('name two that are damaged at the edge', async () => {
    const two = ['tile/0/257.p/208', 'tile/1/001.p/1'];
    expect((await saidOf(log, two)).match(/tile\/[0-9a-z./]+/g)).toEqual(two);
  });

  it('say that it is the one or the other where nothing tells', async () => {
    const said = await saidOf(log, ['tile/0/257.p/208', 'tile/entries/257.p/208']);
    expect(said).toContain('tile/0/257.p/208');
    expect(said).toContain('or what is below is damaged');
  });
});
