import type { FormerKeysAnswer } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  encodeMultikey,
  formatTime,
  parseTime,
  type RecordedDocument,
  resolveAsOf,
  verifyWebvhLog,
} from '@talosprotocol/protocol';
import type { Clock } from '../../platform/system.js';
import type { NumberedChange } from './change-store.js';
import { findIdentity } from './identities.js';
import type { IdentityStore } from './store.js';

/** Tells which keys a registered identity had at a moment, for audit only (ID-12): of a `did:webvh` by the newest log
 *  that was kept, of a `did:web` by the documents that were.
 *  @throws {TrustError} MALFORMED: not a time; NOT_FOUND: not registered, or no history reaches back so far */
export async function formerKeysOf(
  did: string,
  time: string,
  deps: {
    readonly store: Pick<IdentityStore, 'findIdentity' | 'contentsOf'>;
    readonly crypto: CryptoProvider;
    readonly clock: Clock;
  },
): Promise<FormerKeysAnswer> {
  const at = parseTime(time);
  await findIdentity(deps.store, did);
  const now = deps.clock.now();
  const kept = await deps.store.contentsOf(did, did.startsWith('did:web:') ? at : now);
  const found = resolveAsOf(did, at, historyOf(did, kept, { now, crypto: deps.crypto }));
  const formerKeys = found.formerKeys.map(({ kid, formerPublicKey, purposes }) => ({
    kid,
    formerMultikey: encodeMultikey(formerPublicKey),
    purposes: [...purposes],
  }));
  const { versionId } = found;
  return {
    did,
    asOf: formatTime(at),
    ...(versionId === undefined ? {} : { version: versionId }),
    formerKeys,
  };
}

function historyOf(
  did: string,
  kept: readonly NumberedChange[],
  ctx: { readonly now: number; readonly crypto: CryptoProvider },
) {
  if (!did.startsWith('did:webvh:')) return { documents: kept.flatMap(toDocument) };
  const { content, witness } = kept.at(-1) ?? {};
  if (content === undefined) return {};
  return {
    log: verifyWebvhLog(witness === undefined ? { log: content } : { log: content, witness }, {
      ...ctx,
      did,
    }),
  };
}

function toDocument({ at, content }: NumberedChange): RecordedDocument[] {
  return content === undefined ? [] : [{ at, bytes: content }];
}
