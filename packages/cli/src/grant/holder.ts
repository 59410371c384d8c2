import { createChecker, Did } from '@talosprotocol/contracts';
import type { Identities } from '../identities.js';
import { UsageError } from '../usage-error.js';

const checkDid = createChecker(Did);

/** The DID that `--to` names: itself, or that of a local identity.
 *  @throws {UsageError} | {TrustError} NOT_FOUND */
export async function holderOf(identities: Identities, to: string): Promise<string> {
  return to.startsWith('did:') ? parseDid(to) : (await identities.show(to)).did;
}

/** @throws {UsageError} */
export function parseDid(text: string): string {
  if (checkDid(text) === undefined) return text;
  throw new UsageError('not a DID', 'a did:key of an Ed25519 key, or a did:web');
}
