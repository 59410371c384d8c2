import { TrustError } from '../error.js';

/** What a key may be used for: links need `capabilityDelegation`, proofs `authentication`, statements such as
 *  checkpoints and manifests `assertionMethod` (DID Core section 5.3). */
export type KeyPurpose = 'capabilityDelegation' | 'authentication' | 'assertionMethod';

/** All purposes, in a fixed order. */
export const KEY_PURPOSES: readonly KeyPurpose[] = [
  'capabilityDelegation',
  'authentication',
  'assertionMethod',
];

/** One Ed25519 key of a DID. */
export interface DidKey {
  /** The whole DID URL, `did#fragment`. */
  readonly kid: string;
  readonly publicKey: Uint8Array;
  readonly purposes: readonly KeyPurpose[];
}

/** The keys of a DID that are valid now. */
export interface DidKeys {
  readonly did: string;
  readonly keys: readonly DidKey[];
  /** Unix seconds at which this must be resolved again; absent for `did:key`, which never changes. */
  readonly validUntil?: number;
}

/** The key that `kid` names, if it may be used for `purpose`. `kid` is compared by exact bytes, and may be absent
 *  for a `did:key` only, where the DID is the key.
 *  @throws {TrustError} SIGNATURE_INVALID: no such key, not for this purpose, or no `kid` */
export function keyFor(keys: DidKeys, kid: string | undefined, purpose: KeyPurpose): Uint8Array {
  const key = kid === undefined ? onlyKey(keys) : keys.keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) throw new TrustError('SIGNATURE_INVALID', 'the kid names no key of this DID');
  if (!key.purposes.includes(purpose)) {
    throw new TrustError('SIGNATURE_INVALID', `the key is not meant for ${purpose}`);
  }
  return key.publicKey;
}

function onlyKey({ did, keys }: DidKeys): DidKey | undefined {
  if (!did.startsWith('did:key:'))
    throw new TrustError('SIGNATURE_INVALID', 'a kid is required for this DID');
  return keys[0];
}
