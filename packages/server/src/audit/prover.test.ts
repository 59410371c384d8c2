import { setImmediate as nextTurn } from 'node:timers/promises';
import { createTreeHasher, EMPTY_EDGE, encodeUtf8, growLog, tilePath } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { expect, it } from 'vitest';
import { createProver } from './prover.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);

/** A log whose files can be counted and damaged, and a prover over it. */
function openLog(size: number) {
  const rows = Array.from({ length: size }, (_, idx) => ({
    idx,
    id: `${idx}`,
    event: `{"n":${idx}}`,
    disclosures: null,
  }));
  const entries = rows.map(({ event }) => encodeUtf8(event));
  const { root, writes } = growLog(hasher, EMPTY_EDGE, entries);
  const files = new Map(writes.map(({ path, bytes }) => [path, bytes]));
  const read: string[] = [];
  const tiles = {
    read: async (tile: Parameters<typeof tilePath>[0]) => {
      read.push(tilePath(tile));
      await nextTurn();
      return files.get(tilePath(tile));
    },
  };
  const prover = createProver({ tiles, hasher, crypto });
  const checkpoint = { size, root, note: '' };
  const proveAll = () => Promise.allSettled(rows.map((row) => prover.prove([row], checkpoint)));
  return { files, read, proveAll };
}

const codesOf = (ends: readonly PromiseSettledResult<unknown>[]): unknown[] => [
  ...new Set(ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'proven'))),
];

it('reads each tile once for all who wait for the same checkpoint', async () => {
  const { read, proveAll } = openLog(300);
  expect(codesOf(await proveAll())).toEqual(['proven']);
  expect(read.toSorted()).toEqual(['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1']);
  await proveAll();
  expect(read).toHaveLength(3);
});

it('reads a tile again after a read of it has failed, or has led to nothing', async () => {
  const { files, read, proveAll } = openLog(200);
  const path = 'tile/0/000.p/200';
  const sound = files.get(path) as Uint8Array;
  files.delete(path);
  expect(codesOf(await proveAll())).toEqual(['LOG_CORRUPT']);
  // The hash of the second event, which only its own proof does not need.
  files.set(path, sound.slice().fill((sound[40] as number) ^ 1, 40, 41));
  expect(codesOf((await proveAll()).toSpliced(1, 1))).toEqual(['LOG_CORRUPT']);
  files.set(path, sound);
  expect(codesOf(await proveAll())).toEqual(['proven']);
  expect(read).toEqual([path, path, path]);
});
