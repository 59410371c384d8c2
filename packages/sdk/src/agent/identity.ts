import { createSigner, type Signer } from '@talosprotocol/protocol';
import { createRuntime, type RuntimeOptions } from './runtime.js';

/** An Ed25519 key and the `did:key` that names it. Its seed is in no property: printing an identity, or writing it
 *  as JSON, shows no secret. */
export interface Identity {
  readonly did: string;
  /** Signs in the name of this identity. */
  readonly signer: Signer;
  /** A copy of the 32-byte seed, to store it. Whoever has it is this identity. */
  exportSeed(): Uint8Array;
}

/** What making an identity reads from outside. */
export type IdentityOptions = Pick<RuntimeOptions, 'crypto' | 'random'>;

/** Makes a new identity.
 *  @example const agent = createIdentity(); console.log(agent.did) // did:key:z6Mk... */
export function createIdentity(options: IdentityOptions = {}): Identity {
  return identityFromSeed(createRuntime(options).random(32), options);
}

/** The identity of a stored 32-byte seed.
 *  @throws {RangeError} a seed of another length */
export function identityFromSeed(seed: Uint8Array, options: IdentityOptions = {}): Identity {
  const own = Uint8Array.from(seed);
  const signer = createSigner(own, createRuntime(options).crypto);
  return { did: signer.did, signer, exportSeed: () => own.slice() };
}
