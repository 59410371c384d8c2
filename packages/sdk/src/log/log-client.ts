import type { SplitView } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createTreeHasher,
  decodeUtf8,
  encodeBase64url,
  equalBytes,
  isTrustError,
  type TreeHasher,
  TrustError,
  type TrustedLog,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  verifySplitView,
} from '@talosprotocol/protocol';
import { createLogFiles, type LogFilesOptions } from './log-files.js';
import { createLogTree, type LogTree } from './log-tree.js';
import { createTileCache } from './tile-cache.js';

/** What a client of a log is made of. */
export interface LogClientOptions extends LogFilesOptions {
  /** The log whose checkpoints count: its origin, its keys, and the witnesses that must have cosigned. */
  readonly log: TrustedLog;
  readonly crypto: Pick<CryptoProvider, 'sha256'>;
  /** Hash tiles that are kept, of 8 KiB each; default 512. */
  readonly cachedTiles?: number;
}

/** A checkpoint and the note it came in, as it can be shown to others. */
export interface NotedCheckpoint {
  readonly checkpoint: VerifiedCheckpoint;
  readonly note: string;
}

/** A log as somebody shows it. */
export interface LogView {
  readonly url: string;
  /** The latest checkpoint, as the server has it, signed by the log.
   *  @throws {TrustError} as `verifyCheckpoint` and `LogFiles.read`; NOT_FOUND: there is none */
  checkpoint(): Promise<NotedCheckpoint>;
  /** The same, with a note that came from elsewhere. @throws {TrustError} as `verifyCheckpoint` */
  verify(note: string): NotedCheckpoint;
  /** The proof that `older` is no part of the tree of `newer`; undefined if it is one. The tiles of `newer` are asked for.
   *  @throws {TrustError} as `LogTree.rootAt`; NOT_FOUND: there are none; RangeError: `older` is the larger one */
  findFork(older: NotedCheckpoint, newer: NotedCheckpoint): Promise<SplitView | undefined>;
  /** Proofs of split views that others gave it; each verified. @throws {TrustError} as `LogFiles.read` */
  splitViews?(): Promise<readonly SplitView[]>;
}

/** Reads any log of C2SP tlog-tiles, believing nothing but its key. */
export interface LogClient extends LogView {
  /** The tree of a checkpoint. */
  tree(of: NotedCheckpoint): LogTree;
  /** The latest checkpoint, of which `known` is proven to be a part: the log still has everything it had, in its place.
   *  @throws {TrustError} as `checkpoint`; PROOF_NOT_PROVEN, `data.caveat` `rollback`: the log is smaller than it was;
   *  `fork`: it is another one, and `splitViewOf` the error proves that to others */
  advance(known: NotedCheckpoint): Promise<NotedCheckpoint>;
}

const MAX_CHECKPOINT = 65_536;
const CACHED_TILES = 512;

/** Makes a client of the log at a URL.
 *  @throws {TypeError} a URL that is not one of a log
 *  @example const log = createLogClient({ url: 'https://log.example/tlog', log: trust.logs.get(origin)!, crypto }) */
export function createLogClient(options: LogClientOptions): LogClient {
  const files = createLogFiles(options);
  const hasher = createTreeHasher(options.crypto.sha256);
  const deps = { files, hasher, cache: createTileCache(options.cachedTiles ?? CACHED_TILES) };
  const verify = (note: string): NotedCheckpoint => ({
    note,
    checkpoint: verifyCheckpoint(note, options.log),
  });
  const checkpoint = async (): Promise<NotedCheckpoint> => {
    const bytes = await files.read('checkpoint', MAX_CHECKPOINT);
    if (bytes === undefined)
      throw new TrustError('NOT_FOUND', `${files.url}checkpoint is not there; Talos has its log below /tlog`);
    return verify(decodeUtf8(bytes));
  };
  const tree = (of: NotedCheckpoint): LogTree => createLogTree(deps, of.checkpoint);
  const findFork: LogClient['findFork'] = async (older, newer) =>
    proveFork(older, newer, { tree: tree(newer), log: options.log, hasher });
  return {
    url: files.url,
    checkpoint,
    verify,
    tree,
    findFork,
    advance: async (known) => {
      const next = await checkpoint();
      if (next.checkpoint.size < known.checkpoint.size) throw rollback(known, next);
      const fork = await findFork(known, next);
      if (fork !== undefined) throw forked(known, next, fork);
      return next;
    },
  };
}

interface ForkParts {
  readonly tree: LogTree;
  readonly log: TrustedLog;
  readonly hasher: TreeHasher;
}

async function proveFork(
  older: NotedCheckpoint,
  newer: NotedCheckpoint,
  { tree, log, hasher }: ForkParts,
): Promise<SplitView | undefined> {
  const { size, root } = older.checkpoint;
  // A tree without entries is the beginning of every other one, if its root is the one such a tree has.
  const prefix = size === 0 && tree.size > 0 ? hasher.empty() : await tree.rootAt(size);
  if (equalBytes(prefix, root)) return undefined;
  if (size === 0)
    throw new TrustError('PROOF_NOT_PROVEN', 'an empty log has another root', { caveat: 'fork' });
  const evidence: SplitView = {
    format: 'talos-split-view-v1',
    older: older.note,
    newer: newer.note,
    prefix: encodeBase64url(prefix),
    proof: (await tree.consistency(size)).map(encodeBase64url),
  };
  // Handed on only if whoever gets it can be sure.
  verifySplitView(evidence, log, hasher);
  return evidence;
}

/** What a refusal by `advance` proves to others (AUD-29), if it proves something. */
export function splitViewOf(error: unknown): SplitView | undefined {
  if (!isTrustError(error) || error.data.caveat !== 'fork') return undefined;
  return error.cause as SplitView | undefined;
}

function rollback(known: NotedCheckpoint, next: NotedCheckpoint): TrustError {
  const reason = `the log had ${known.checkpoint.size} entries and now shows ${next.checkpoint.size}`;
  return new TrustError('PROOF_NOT_PROVEN', reason, { caveat: 'rollback' });
}

function forked(known: NotedCheckpoint, next: NotedCheckpoint, evidence: SplitView): TrustError {
  const reason = `the log of ${next.checkpoint.size} entries is not the one that had ${known.checkpoint.size}`;
  return new TrustError('PROOF_NOT_PROVEN', reason, { caveat: 'fork' }, evidence);
}
