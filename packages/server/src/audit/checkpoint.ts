import {
  type NoteSigner,
  type NoteVerifier,
  signCheckpoint,
  TrustError,
  verifyCheckpoint,
} from '@talosprotocol/protocol';

/** The log's own key, both halves, under its origin. */
export interface LogKey {
  readonly origin: string;
  readonly vkey: string;
  readonly signer: NoteSigner;
  readonly verifier: NoteVerifier;
}

/** A checkpoint that was signed, and the note it is in. */
export interface SignedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

/** Signs the tree of this size. */
export function makeCheckpoint(key: LogKey, size: number, root: Uint8Array): SignedCheckpoint {
  return {
    size,
    root,
    note: signCheckpoint({ origin: key.origin, size, root, extensions: [] }, [key.signer]),
  };
}

/** Reads back a checkpoint that we signed.
 *  @throws {TrustError} LOG_CORRUPT: it is not ours, or was changed */
export function readOwnCheckpoint(key: LogKey, note: string, where: string): SignedCheckpoint {
  try {
    const { size, root } = verifyCheckpoint(note, { origin: key.origin, keys: [key.verifier] });
    return { size, root, note };
  } catch (cause) {
    const hint = 'restore the database and the data folder from the same backup';
    throw new TrustError('LOG_CORRUPT', `the checkpoint in ${where} does not verify`, { hint }, cause);
  }
}
