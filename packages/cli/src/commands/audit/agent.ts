import type { CryptoProvider } from '@talosprotocol/protocol';
import { holderOf } from '../../grant/holder.js';
import { createIdentities } from '../../identities.js';
import type { Io } from '../../io.js';
import { dataFolder, type PlaceOptions } from '../../place.js';

/** What `--agent` takes, wherever events are chosen by it. */
export const AGENT = 'a DID or an identity of yours';

/** The DID that `--agent` names: itself, or that of an identity in the data folder.
 *  @throws {UsageError} | {TrustError} NOT_FOUND */
export function agentOf(
  io: Io,
  options: PlaceOptions,
  name: string,
  crypto: CryptoProvider,
): Promise<string> {
  return holderOf(createIdentities(io, dataFolder(io, options), crypto), name);
}
