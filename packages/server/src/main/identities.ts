import { type CryptoProvider, createSigner, formatVerifierKey, type Signer } from '@talosprotocol/protocol';
import type { KeyStore } from '../platform/key-store.js';

/** Who this platform is. The seeds stay in the signers. */
export interface Identities {
  /** Issues root links; the trust anchor that `init` writes. */
  readonly organisation: Signer;
  /** Audience of capabilities and sessions; emitter of events. */
  readonly gateway: Signer;
  /** Signs bundle statements, and nothing else. */
  readonly exporter: Signer;
  /** Signs checkpoints, and nothing else. */
  readonly log: Signer;
  /** Schema-less name of the log (AUD-10); it names the key, so that another key is another log. */
  readonly origin: string;
  /** The log's public key as auditors keep it. */
  readonly vkey: string;
}

/** Loads the platform's identities; those that are missing are made. */
export async function loadIdentities(keys: KeyStore, crypto: CryptoProvider): Promise<Identities> {
  const load = async (name: string): Promise<Signer> =>
    createSigner((await keys.loadOrCreateSeed(name)).reveal(), crypto);
  const [organisation, gateway, exporter, log] = [
    await load('organisation'),
    await load('gateway'),
    await load('exporter'),
    await load('log'),
  ];
  const origin = `talos.local/${crypto.sha256Hex(log.publicKey).slice(0, 16)}/default`;
  const vkey = formatVerifierKey(crypto.sha256, origin, log.publicKey);
  return { organisation, gateway, exporter, log, origin, vkey };
}
