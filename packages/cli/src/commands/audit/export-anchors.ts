import { ANCHOR_PAGE, type AnchorPage, type AnchorProof } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createTreeHasher,
  type LogFault,
  type TileSource,
  TrustError,
  tilePath,
  type VerifiedCheckpoint,
} from '@talosprotocol/protocol';
import type { AuditClient } from '@talosprotocol/sdk';
import {
  ANCHORS,
  type ArchiveWriter,
  anchorCount,
  anchorPath,
  archiveJson,
  createAnchorExaminer,
  createRootReader,
} from '@talosprotocol/sdk/archive';

/** An archive that is being written, and what it ends at. */
export interface AnchorWriting {
  readonly archive: ArchiveWriter;
  readonly client: Pick<AuditClient, 'anchorProofs'>;
  readonly checkpoint: VerifiedCheckpoint;
  readonly crypto: CryptoProvider;
  readonly onFault: (fault: LogFault) => void;
}

/** Anchors of trees that the archive holds, each held against it. One that contradicts the log is a fault of it. */
export async function writeAnchors(
  { archive, client, checkpoint, crypto, onFault }: AnchorWriting,
  source: TileSource,
): Promise<void> {
  const { origin, size } = checkpoint;
  const hasher = createTreeHasher(crypto.sha256);
  const rootAt = createRootReader(hasher, checkpoint, remembered(source));
  const examiner = createAnchorExaminer({ origin, size, rootAt, onFault });
  let waiting: AnchorProof[] = [];
  let count = 0;
  const write = async (): Promise<void> => {
    await archive.write(anchorPath(Math.floor(count / ANCHOR_PAGE)), archiveJson(waiting));
    count += waiting.length;
    waiting = [];
  };
  for await (const proof of anchorsOf(client, size)) {
    const anchor = await examiner.follow(proof, 'anchor');
    if (anchor !== undefined) waiting.push(anchor);
    if (waiting.length === ANCHOR_PAGE) await write();
  }
  if (waiting.length > 0) await write();
  await archive.write(ANCHORS, archiveJson(anchorCount(count)));
}

type Cursor = NonNullable<AnchorPage['next']>;

async function* anchorsOf(client: AnchorWriting['client'], to: number): AsyncGenerator<AnchorProof> {
  let at: Cursor | null = { after: 0, place: '' };
  while (at !== null) {
    const page: AnchorPage = await client.anchorProofs({ to, ...at });
    yield* page.anchors;
    if (page.next !== null && !isBehind(page.next, at))
      throw new TrustError('UPSTREAM_FAILED', 'the platform answered another page than was asked for');
    at = page.next;
  }
}

function isBehind({ after, place }: Cursor, last: Cursor): boolean {
  return after > last.after || (after === last.after && place > last.place);
}

/** Tiles that are kept in memory: anchors stand in the order of their sizes, and go by the same ones for a while. */
const REMEMBERED = 64;

function remembered(source: TileSource): TileSource {
  const kept = new Map<string, Uint8Array>();
  return async (tile) => {
    const path = tilePath(tile);
    const bytes = kept.get(path) ?? (await source(tile));
    kept.delete(path);
    if (bytes !== undefined) kept.set(path, bytes);
    const [oldest] = kept.keys();
    if (kept.size > REMEMBERED && oldest !== undefined) kept.delete(oldest);
    return bytes;
  };
}
