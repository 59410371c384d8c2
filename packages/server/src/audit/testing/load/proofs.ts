import {
  createNoteVerifier,
  createTileReader,
  createTreeHasher,
  encodeUtf8,
  makeProof,
  planInclusion,
  type TreeHasher,
  tilePath,
  tilesForNodes,
  verifyInclusion,
  verifyTlogProof,
} from '@talosprotocol/protocol';
import { clock } from '../../../platform/system.js';
import type { SignedCheckpoint } from '../../checkpoint.js';
import { inParallel } from '../../in-parallel.js';
import { createProver } from '../../prover.js';
import { createAuditStore, type EventRow } from '../../store.js';
import { openTileStore, type TileStore } from '../../tile-store.js';
import { sorted } from './ingest.js';
import type { LoadLog } from './load-log.js';

/** Events whose proofs are made: spread over the newest ones, whose tiles fit what is kept. */
const SPREAD = 200_000;
const SAMPLES = 2_000;

/** Microseconds of what is done with proofs in the tree of the log as it is. */
export async function measureProofs({ sql, deps, audit }: LoadLog) {
  const { crypto, origin } = deps;
  const hasher = createTreeHasher((data) => crypto.sha256(data));
  const tiles = await openTileStore(deps.tiles);
  const checkpoint = audit.checkpoint();
  const { size, root } = checkpoint;
  const rows = await sampleRows(sql, size);
  const make = await openMaker(tiles, hasher, { rows, checkpoint });
  const prover = createProver({ tiles, hasher, crypto });
  const samples = await Promise.all(
    rows.map(async (row) => {
      const text = (await prover.receipt(row, checkpoint)).proof;
      return { row, leaf: encodeUtf8(row.event), proof: make(row.idx), text };
    }),
  );
  const log = { origin, keys: [createNoteVerifier(crypto, audit.vkey)] };
  return {
    size,
    make: await timed(samples, ({ row }) => make(row.idx)),
    prove: await timed(samples, ({ row }) => prover.prove([row], checkpoint)),
    verify: await timed(samples, ({ row, leaf, proof }) =>
      verifyInclusion(hasher, { index: row.idx, size, leafHash: hasher.leaf(leaf), root, proof }),
    ),
    receipt: await timed(samples, ({ text, leaf }) => verifyTlogProof(hasher, text, hasher.leaf(leaf), log)),
  };
}

async function sampleRows(sql: LoadLog['sql'], size: number): Promise<readonly EventRow[]> {
  const store = createAuditStore(sql);
  const from = Math.max(0, size - SPREAD);
  const indexes = Array.from({ length: SAMPLES }, () => from + Math.floor(Math.random() * (size - from)));
  return (await inParallel(indexes, 8, (index) => store.rows(index, index + 1, 1))).flat();
}

/** Makes a proof as the prover does for a request of its own, from tiles that are kept. */
async function openMaker(
  tiles: TileStore,
  hasher: TreeHasher,
  {
    rows,
    checkpoint: { size },
  }: { readonly rows: readonly EventRow[]; readonly checkpoint: SignedCheckpoint },
) {
  const loaded = new Map<string, Uint8Array | undefined>();
  const nodes = rows.flatMap(({ idx }) => planInclusion(idx, size)).flat();
  for (const tile of tilesForNodes(nodes, size)) loaded.set(tilePath(tile), await tiles.read(tile));
  const levels = new Map<string, Uint8Array>();
  return (index: number) => {
    const read = createTileReader(hasher, size, (tile) => loaded.get(tilePath(tile)), levels);
    return makeProof(hasher, read, planInclusion(index, size));
  };
}

/** One after the other, each by itself; of two rounds the second, when all is warm. */
async function timed<T>(samples: readonly T[], work: (sample: T) => unknown) {
  const micros: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    micros.length = 0;
    for (const sample of samples) {
      const begun = clock.monotonic();
      const pending = work(sample);
      if (pending instanceof Promise) await pending;
      micros.push((clock.monotonic() - begun) * 1000);
    }
  }
  return sorted(micros);
}
