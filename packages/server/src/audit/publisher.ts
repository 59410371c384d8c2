import { equalBytes, isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Clock } from '../platform/system.js';
import { type LogKey, readOwnCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './corrupt.js';
import type { OnRewrite, Shown } from './rewritten.js';
import type { TileStore } from './tile-store.js';

export interface PublisherDeps {
  readonly tiles: TileStore;
  readonly key: LogKey;
  readonly onRewrite: OnRewrite;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Keeps a checkpoint durably, under the epoch of the log's holder. */
  readonly save: (checkpoint: SignedCheckpoint) => Promise<void>;
  /** Told of each checkpoint that everybody may see now. */
  readonly onPublished?: (checkpoint: SignedCheckpoint) => void;
}

/** Brings checkpoints to where everybody reads them. */
export interface Publisher {
  /** To be called before something is signed: whether somebody else signs this log, with another database than ours.
   *  `last` is the checkpoint published last. @throws {TrustError} LOG_CORRUPT */
  assertAlone(last: SignedCheckpoint | undefined): Promise<void>;
  /** The tiles are durable. Keeps the checkpoint under the epoch, then shows it.
   *  @throws {TrustError} UNAVAILABLE; Error: another holder took over */
  publish(checkpoint: SignedCheckpoint): Promise<void>;
}

/** So long after the database was asked whether the log is still ours, the answer counts. A process that was stopped for
 *  longer may have been replaced meanwhile, and asks again. */
const FRESH_MS = 5_000;

export function createPublisher(deps: PublisherDeps): Publisher {
  const { tiles, onRewrite, clock, save } = deps;
  /** Checkpoints of which nobody knows whether they are shown: the place failed while it took them. By size, of which
   *  there are few: what is not published is tried again with all that came since. */
  const unsure = new Map<number, SignedCheckpoint>();
  return {
    assertAlone: async (last) => {
      const shown = await readShown(deps);
      if (shown === undefined && last === undefined) return;
      if (typeof shown === 'object') {
        if ([last, unsure.get(shown.size)].some((own) => isSame(own, shown))) return;
        if (shown.size >= (last?.size ?? 0))
          throw corrupt(`another process signs this log: its checkpoint of ${shown.size} events is not ours`);
      }
      // Older than ours, not signed, or gone: what is written next stands in its place.
      onRewrite(shown, last?.size ?? 0);
    },
    publish: async (checkpoint) => {
      const asked = clock.monotonic();
      await save(checkpoint);
      if (clock.monotonic() - asked > FRESH_MS) throw stoodStill();
      unsure.set(checkpoint.size, checkpoint);
      await tiles.writeCheckpoint(checkpoint.note);
      unsure.clear();
      deps.onPublished?.(checkpoint);
    },
  };
}

function isSame(own: SignedCheckpoint | undefined, found: SignedCheckpoint): boolean {
  return own?.size === found.size && equalBytes(own.root, found.root);
}

function stoodStill(): TrustError {
  const reason = 'this process stood still while it signed; it asks again whether the log is its own';
  return new TrustError('UNAVAILABLE', reason);
}

async function readShown({ tiles, key }: PublisherDeps): Promise<Shown> {
  const note = await tiles.readCheckpoint();
  try {
    return note === undefined ? undefined : readOwnCheckpoint(key, note, 'the place of the tiles');
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return 'foreign';
  }
}
