import type { TrustFile } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  decodeUtf8,
  encodeUtf8,
  parseCheckpoint,
  parseNote,
  parseTrustFile,
  readCosignatures,
} from '@talosprotocol/protocol';

/** How many witnesses signed the state of the log that a bundle is under, and how many auditors would ask for. */
export interface Witnessed {
  readonly cosigned: number;
  readonly quorum: number;
}

/** Undefined if the platform demands no witnesses. The bundle is the platform's own, and was not verified.
 *  @throws {TrustError} a checkpoint that is none, or with signatures that do not verify */
export function witnessedOf(
  bundle: Uint8Array,
  trust: TrustFile,
  crypto: CryptoProvider,
): Witnessed | undefined {
  const { checkpoint } = JSON.parse(decodeUtf8(bundle)) as { readonly checkpoint: string };
  const { origin } = parseCheckpoint(parseNote(checkpoint).text);
  const { logs } = parseTrustFile(encodeUtf8(JSON.stringify(trust)), crypto);
  const policy = logs.get(origin)?.witnesses;
  if (policy === undefined || policy.quorum === 0) return undefined;
  const { cosignatures, quorum } = readCosignatures(checkpoint, policy);
  return { cosigned: cosignatures.length, quorum };
}
