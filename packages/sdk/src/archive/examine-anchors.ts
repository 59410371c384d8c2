import { ANCHOR_PAGE, type AnchorProof, MAX_OTS_ATTESTED } from '@talosprotocol/contracts';
import {
  anchorPlace,
  assertAnchorProof,
  attestationsOf,
  createTileReader,
  decodeBase64url,
  encodeHex,
  isTrustError,
  type LogFault,
  parseAnchorProof,
  parseOtsFile,
  planFrontier,
  rootAt,
  type TileSource,
  type TreeHasher,
  TrustError,
  tilePath,
  tilesForNodes,
} from '@talosprotocol/protocol';
import type { ArchiveReader } from './archive-reader.js';
import { ANCHORS, anchorPath, readAnchorCount, readAnchorFile } from './log-anchors.js';

/** Root of the tree at a size, hex. */
export type RootReader = (size: number) => Promise<string>;

/** Of the log whose anchors are looked at. */
export interface AnchoredLog {
  readonly origin: string;
  readonly size: number;
  /** Undefined where the tree itself is damaged: then nothing is said of roots. */
  readonly rootAt: RootReader | undefined;
  readonly onFault: (fault: LogFault) => void;
}

/** Looks at anchors of a log, one after the other in the order of an archive (AUD-129): by size, those of one size by place. */
export interface AnchorExaminer {
  /** The anchor if nothing is wrong with it; else a fault was told under that name. */
  follow(value: unknown, where: string): Promise<AnchorProof | undefined>;
}

/** Reads roots from the hash tiles of a log, which were proven before. @throws {TrustError} LOG_CORRUPT */
export function createRootReader(
  hasher: TreeHasher,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
  source: TileSource,
): RootReader {
  return async (at) => {
    if (at === size) return encodeHex(root);
    const loaded = new Map<string, Uint8Array>();
    for (const tile of tilesForNodes(planFrontier(at), size)) {
      const bytes = await source(tile);
      if (bytes === undefined) throw new TrustError('LOG_CORRUPT', `${tilePath(tile)} is missing`);
      loaded.set(tilePath(tile), bytes);
    }
    const read = createTileReader(hasher, size, (tile) => loaded.get(tilePath(tile)));
    return encodeHex(rootAt(hasher, read, at));
  };
}

export function createAnchorExaminer(log: AnchoredLog): AnchorExaminer {
  let last: { readonly size: number; readonly place: string } | undefined;
  return {
    follow: async (value, where) => {
      try {
        const proof = parseAnchorProof(value);
        const at = { size: proof.size, place: anchorPlace(proof) };
        const isNext =
          last === undefined || at.size > last.size || (at.size === last.size && at.place > last.place);
        last = at;
        const wrong = isNext ? await faultOf(log, proof) : 'is there twice, or not in its order';
        if (wrong === undefined) return proof;
        log.onFault({ where, what: `the anchor of ${at.size} events at ${at.place} ${wrong}` });
      } catch (error) {
        if (!isTrustError(error) || error.code !== 'MALFORMED') throw error;
        log.onFault({ where, what: `an anchor is none: ${error.data.reason}` });
      }
      return undefined;
    },
  };
}

async function faultOf(
  { origin, size, rootAt }: AnchoredLog,
  proof: AnchorProof,
): Promise<string | undefined> {
  if (proof.origin !== origin) return `is of another log, ${proof.origin}`;
  if (proof.size > size) return `is of more events than the ${size} of the log`;
  if (rootAt !== undefined && (await rootAt(proof.size)) !== proof.root)
    return 'has another root than the log has at that size';
  try {
    assertAnchorProof(proof);
    return blocksToAskFor(proof) > MAX_OTS_ATTESTED
      ? `names more than ${MAX_OTS_ATTESTED} blocks of Bitcoin: each of them would be asked for`
      : undefined;
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return `does not hold: ${error.data.reason}`;
  }
}

/** Blocks of a timestamp that an explorer is asked for. It is asked only about one with a header, which an anchorer makes of what one
 *  calendar answered (AUD-43); one without may be of several. */
function blocksToAskFor(proof: AnchorProof): number {
  if (proof.kind !== 'opentimestamps' || proof.header === undefined) return 0;
  const { timestamp } = parseOtsFile(decodeBase64url(proof.ots));
  return attestationsOf(timestamp).filter(({ attestation }) => attestation.kind === 'bitcoin').length;
}

/** Looks at all anchors of an archive; gives their number. */
export async function examineAnchors(archive: ArchiveReader, log: AnchoredLog): Promise<number> {
  const { onFault } = log;
  const reading = async <T>(where: string, read: () => Promise<T>): Promise<T | 'unreadable'> => {
    try {
      return await read();
    } catch (error) {
      if (!isTrustError(error)) throw error;
      onFault({ where, what: `cannot be read: ${error.data.reason}` });
      return 'unreadable';
    }
  };
  const count = (await reading(ANCHORS, () => readAnchorCount(archive))) ?? 0;
  if (count === 'unreadable') return 0;
  const examiner = createAnchorExaminer(log);
  const files = Math.ceil(count / ANCHOR_PAGE);
  for (let file = 0; file < files; file += 1) {
    const where = anchorPath(file);
    const list = await reading(where, () => readAnchorFile(archive, file));
    if (list === 'unreadable') return count;
    const due = Math.min(ANCHOR_PAGE, count - file * ANCHOR_PAGE);
    if (list?.length !== due) {
      onFault({ where, what: `${list?.length ?? 0} anchors of ${due} are there` });
      return count;
    }
    for (const value of list) await examiner.follow(value, where);
  }
  const more = await reading(anchorPath(files), () => readAnchorFile(archive, files));
  if (more !== undefined && more !== 'unreadable')
    onFault({ where: anchorPath(files), what: `is more than the ${count} anchors of ${ANCHORS}` });
  return count;
}

/** The anchors of an archive that was examined, file by file. */
export async function* archivedAnchors(archive: ArchiveReader): AsyncGenerator<readonly AnchorProof[]> {
  const count = (await readAnchorCount(archive)) ?? 0;
  for (let file = 0; file * ANCHOR_PAGE < count; file += 1)
    yield ((await readAnchorFile(archive, file)) ?? []).map(parseAnchorProof);
}
