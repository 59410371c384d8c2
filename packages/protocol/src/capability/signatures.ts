import type { CryptoProvider } from '../crypto/provider.js';
import type { ParsedLink } from './link.js';
import { checkSignatureBy, invalidSignature } from './steps.js';

/** One signature to be checked under the one Ed25519 rule. */
export interface SignatureJob {
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Checks signatures one after another and answers the place of the first that does not hold, or -1 if all do.
 *  Rejects with TrustError UNAVAILABLE where it could not check them: the chain is then refused, not accepted. */
export type SignatureVerifier = (jobs: readonly SignatureJob[]) => Promise<number>;

/** The signatures of one chain, in the order of its links. */
export interface SignatureBatch {
  /** Checks the signature now, or puts it off if a verifier is to do so.
   *  @throws {TrustError} SIGNATURE_INVALID */
  add(link: ParsedLink, index: number, publicKey: Uint8Array): void;
  /** Checks all that were put off; undefined if there are none, so that nobody waits.
   *  Rejects with SIGNATURE_INVALID, and as the verifier. */
  verify(): Promise<void> | undefined;
}

/** Makes the batch of one chain. */
export function createSignatureBatch(context: {
  readonly crypto: CryptoProvider;
  readonly signatures?: SignatureVerifier | undefined;
}): SignatureBatch {
  const { crypto, signatures } = context;
  if (signatures === undefined) {
    return {
      add: (link, index, publicKey) => checkSignatureBy(link, index, publicKey, crypto),
      verify: () => undefined,
    };
  }
  let jobs: SignatureJob[] = [];
  let first = 0;
  return {
    add({ signature, signingInput: message }, index, publicKey) {
      if (jobs.length === 0) first = index;
      jobs.push({ signature, message, publicKey });
    },
    async verify() {
      const batch = jobs;
      jobs = [];
      const failed = batch.length === 0 ? -1 : await signatures(batch);
      if (failed >= 0) throw invalidSignature(first + failed);
      // Whatever is no answer is no consent.
      if (failed !== -1) throw new TypeError('a verifier of signatures answers a place or -1');
    },
  };
}
