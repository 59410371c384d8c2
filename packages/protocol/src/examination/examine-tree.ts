import { equalBytes } from '../crypto/equal.js';
import { rootOf } from '../log/compact-tree.js';
import type { TreeHasher } from '../log/hash.js';
import { rootAt } from '../log/range.js';
import { encodeHashTile, TILE_WIDTH, type TileId, tilePath } from '../log/tile.js';
import { createTileReader } from '../log/tile-reader.js';
import type { LogFault, OnFault } from './fault.js';
import { type OpenedTile, openTile, type TileSource } from './tile-source.js';

/** What is examined, and who is told. */
export interface TreeExamination {
  readonly hasher: TreeHasher;
  /** Of a checkpoint that was verified. */
  readonly size: number;
  readonly root: Uint8Array;
  readonly source: TileSource;
  /** Bundles that end at or below this index may be gone, as somebody says. */
  readonly pruned: number;
  /** Up to where the log has it on record that they are; asked once all entries were told. `pruned` if it is absent. */
  readonly onRecord?: () => number;
  readonly onFault: OnFault;
  /** Told of the entries of each bundle that can be read, in the order of the log. */
  readonly onEntries: (from: number, entries: readonly Uint8Array[]) => Promise<void> | void;
  /** Told of each bundle whose entries are not there, with the hashes that its tile has of them, if that can be read. */
  readonly onGone?: (from: number, hashes: OpenedTile) => Promise<void> | void;
  /** Told how many entries were looked at. */
  readonly onProgress: (done: number) => void;
}

/** Files that are asked for before they are needed: a URL answers one at a time slowly. */
const AHEAD = 16;

/** Reads every tile and every entry bundle of a log and compares them with each other and with the root. A file is blamed
 *  by what stands above it: the hash of a tile is right if the tiles above lead from it to the root. Holds a few hashes for
 *  each tile: 1 MiB for ten million entries. */
export async function examineTree(whole: TreeExamination): Promise<void> {
  const { size } = whole;
  let faults = 0;
  const onFault: OnFault = (fault) => {
    faults += 1;
    whole.onFault(fault);
    if (faults === MOST_FAULTS) throw new TooMany();
  };
  const examination = { ...whole, onFault };
  try {
    const judge = createJudge(examination);
    let below = await examineLeaves(examination, judge);
    for (let level = 1; TILE_WIDTH ** level <= size; level += 1) {
      below = await examineLevel(examination, judge, level, below);
    }
    judge.close();
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    whole.onFault({ where: 'log', what: `has ${MOST_FAULTS} faults up to here: the rest was not looked at` });
  }
}

/** A signed size says nothing about how much there is: whoever has the key may sign one that nobody could ever look through. */
const MOST_FAULTS = 10_000;

class TooMany extends Error {}

/** What a full tile may come to: by its own hashes, and by what is below it; nothing if neither can be read. */
type Candidates = readonly Uint8Array[];

async function examineLeaves(examination: TreeExamination, judge: Judge): Promise<Candidates[]> {
  const { hasher, source, size, pruned, onFault, onEntries, onGone, onProgress } = examination;
  const roots: Candidates[] = [];
  const missing: TileId[] = [];
  const open = async (tile: TileId): Promise<[OpenedTile, OpenedTile]> => {
    const bundle = { ...tile, level: 'entries' } as const;
    const isPruned = endOf(tile) <= pruned;
    const onMissing = isPruned ? () => void missing.push(bundle) : undefined;
    return Promise.all([openTile(source, tile, onFault), openTile(source, bundle, onFault, onMissing)]);
  };
  for await (const [tile, [hashes, entries]] of ahead(rowOf(0, size), open)) {
    const from = tile.index * TILE_WIDTH;
    if (entries !== undefined) await onEntries(from, entries);
    else await onGone?.(from, hashes);
    roots.push(
      await judge.compare(
        tile,
        hashes,
        entries?.map((entry) => hasher.leaf(entry)),
      ),
    );
    onProgress(from + tile.width);
  }
  const onRecord = examination.onRecord?.() ?? pruned;
  for (const bundle of missing)
    if (endOf(bundle) > onRecord) onFault({ where: tilePath(bundle), what: 'is missing' });
  return roots;
}

const endOf = ({ index }: TileId): number => (index + 1) * TILE_WIDTH;

async function examineLevel(
  { source, size, onFault }: TreeExamination,
  judge: Judge,
  level: number,
  below: readonly Candidates[],
): Promise<Candidates[]> {
  const roots: Candidates[] = [];
  const open = (tile: TileId): Promise<OpenedTile> => openTile(source, tile, onFault);
  for await (const [tile, hashes] of ahead(rowOf(level, size), open)) {
    const children = below.slice(tile.index * TILE_WIDTH, tile.index * TILE_WIDTH + tile.width);
    roots.push(await judge.compare(tile, hashes, derive(hashes, children)));
  }
  return roots;
}

/** The hashes of a tile as its children have them; undefined if one child cannot be read and the tile neither. */
function derive(hashes: OpenedTile, children: readonly Candidates[]): readonly Uint8Array[] | undefined {
  const derived = children.map((candidates, i) => {
    const claimed = hashes?.[i];
    if (claimed === undefined) return candidates[0];
    return candidates.find((candidate) => equalBytes(candidate, claimed)) ?? candidates[0] ?? claimed;
  });
  return derived.every((hash) => hash !== undefined) ? derived : undefined;
}

function* rowOf(level: number, size: number): Generator<TileId> {
  const count = Math.floor(size / TILE_WIDTH ** level);
  for (let index = 0; index * TILE_WIDTH < count; index += 1)
    yield { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
}

/** Opens tiles in order, some of them before they are asked for. */
async function* ahead<T>(
  tiles: Iterable<TileId>,
  open: (tile: TileId) => Promise<T>,
): AsyncGenerator<[TileId, T]> {
  const waiting: [TileId, Promise<T>][] = [];
  for (const tile of tiles) {
    const opened = open(tile);
    // If an earlier one ends the examination, nobody waits for this one.
    opened.catch(() => undefined);
    waiting.push([tile, opened]);
    if (waiting.length === AHEAD) yield await first(waiting);
  }
  while (waiting.length > 0) yield await first(waiting);
}

async function first<T>(waiting: [TileId, Promise<T>][]): Promise<[TileId, T]> {
  const [tile, opened] = waiting.shift() as [TileId, Promise<T>];
  return [tile, await opened];
}

/** Says of two accounts of the same hashes which one is right. */
interface Judge {
  /** `claimed` is what the tile says, `derived` what is below it. */
  compare(tile: TileId, claimed: OpenedTile, derived: OpenedTile): Promise<Candidates>;
  /** Compares the right edge with the root, and names what was only waiting for that. */
  close(): void;
}

function createJudge({ hasher, size, root, source, onFault }: TreeExamination): Judge {
  const edges: Edge[] = [];
  const tell = (faults: readonly LogFault[]): void => faults.forEach(onFault);
  /** The hash of a full tile in the tile above, as it stands there. */
  const above = async ({ level, index }: TileId): Promise<Uint8Array | undefined> => {
    const count = Math.floor(size / TILE_WIDTH ** (Number(level) + 1));
    const parent = Math.floor(index / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, count - parent * TILE_WIDTH);
    const hashes = await openTile(
      source,
      { level: Number(level) + 1, index: parent, width },
      () => undefined,
    );
    return hashes?.[index % TILE_WIDTH];
  };
  return {
    compare: async (tile, claimed, derived) => {
      const differs =
        claimed !== undefined && derived !== undefined && differences(claimed, derived).length > 0;
      if (tile.width < TILE_WIDTH) {
        edges.push({ tile, claimed, derived });
        return [];
      }
      const candidates = [claimed, ...(differs || claimed === undefined ? [derived] : [])].flatMap(
        (hashes) => (hashes === undefined ? [] : [rootOf(hasher, hashes)]),
      );
      if (differs) {
        const hash = await above(tile);
        const right = candidates.findIndex((candidate) => hash !== undefined && equalBytes(candidate, hash));
        tell(blame({ tile, claimed, derived }, VERDICTS[right] ?? 'neither'));
      }
      return candidates;
    },
    close: () => {
      const verdict = judgeEdges(hasher, size, root, edges);
      for (const edge of edges) if (isAtOdds(edge)) tell(blame(edge as Odds, verdict));
      const isWhole = edges.every(({ claimed }) => claimed !== undefined);
      if (verdict === 'neither' && isWhole)
        onFault({ where: 'checkpoint', what: 'the tiles do not lead to its root' });
    },
  };
}

type Verdict = 'claimed' | 'derived' | 'neither';

const VERDICTS: readonly Verdict[] = ['claimed', 'derived'];

/** A partial tile, which no tile above speaks of. */
interface Edge {
  readonly tile: TileId;
  readonly claimed: OpenedTile;
  readonly derived: OpenedTile;
}

interface Odds extends Edge {
  readonly claimed: readonly Uint8Array[];
  readonly derived: readonly Uint8Array[];
}

function isAtOdds({ claimed, derived }: Edge): boolean {
  return claimed !== undefined && derived !== undefined && differences(claimed, derived).length > 0;
}

function differences(claimed: readonly Uint8Array[], derived: readonly Uint8Array[]): readonly number[] {
  return claimed.flatMap((hash, i) => (equalBytes(hash, derived[i] as Uint8Array) ? [] : [i]));
}

/** Which account of the right edge leads to the root. */
function judgeEdges(hasher: TreeHasher, size: number, root: Uint8Array, edges: readonly Edge[]): Verdict {
  const leads = (pick: (edge: Edge) => OpenedTile): boolean => {
    const tiles = new Map(edges.map((edge) => [edge.tile.level, pick(edge)]));
    if ([...tiles.values()].includes(undefined)) return false;
    const read = createTileReader(hasher, size, ({ level }) =>
      encodeHashTile(tiles.get(level) as readonly Uint8Array[]),
    );
    return equalBytes(rootAt(hasher, read, size), root);
  };
  if (leads(({ claimed }) => claimed)) return 'claimed';
  return leads(({ claimed, derived }) => derived ?? claimed) ? 'derived' : 'neither';
}

/** Names every hash at which the two accounts differ. */
function blame({ tile, claimed, derived }: Odds, verdict: Verdict): LogFault[] {
  const span = TILE_WIDTH ** Number(tile.level);
  const below = tile.level === 0 ? 'entry' : 'tile below';
  return differences(claimed, derived).map((i) => {
    const index = (tile.index * TILE_WIDTH + i) * span;
    if (verdict === 'derived')
      return { where: tilePath(tile), index, what: `its hash is not that of the ${below}` };
    const where = verdict === 'claimed' ? tilePath(childOf(tile, i)) : tilePath(tile);
    const what =
      verdict === 'claimed'
        ? `the ${tile.level === 0 ? 'entry' : 'tile'} is not the one that was hashed`
        : `its hash and the ${below} differ, and neither leads to the root`;
    return { where, index, what };
  });
}

/** What a hash of a tile is of: the bundle, or the full tile of the level below. */
function childOf({ level, index, width }: TileId, i: number): TileId {
  if (level === 0) return { level: 'entries', index, width };
  return { level: Number(level) - 1, index: index * TILE_WIDTH + i, width: TILE_WIDTH };
}
