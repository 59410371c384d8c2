import type { DidDirectory, DidKeys, VerifiedCapability } from '@talosprotocol/protocol';
import type { Verification } from '../capability/verification.js';

/** What a session is opened with, so that it lasts. Where fetched keys are known to be good for a moment only, they are fetched
 *  again: a session that ends with them would end while its first calls run. If nobody answers, they are used for as long as
 *  they are good. */
export interface LastingKeysDeps {
  readonly verification: Pick<Verification, 'verify' | 'now'>;
  readonly resolver: DidDirectory;
}

/** Keys that end sooner are fetched again, in seconds: more than a client leaves of a session when it opens the next. */
const SHORTEST = 10;

/** @throws {TrustError} as `Verification.verify` */
export async function verifyLasting(chain: string, deps: LastingKeysDeps): Promise<VerifiedCapability> {
  const capability = await deps.verification.verify(chain);
  if (isLasting(capability.keysValidUntil, deps)) return capability;
  const issuers = new Set(capability.links.map(({ claims }) => claims.iss));
  await Promise.all([...issuers].map((did) => renew(did, deps)));
  return deps.verification.verify(chain);
}

/** @throws {TrustError} as `DidResolver.resolve` */
export async function resolveLasting(did: string, deps: LastingKeysDeps): Promise<DidKeys> {
  const keys = await deps.resolver.resolve(did);
  if (isLasting(keys.validUntil, deps)) return keys;
  await renew(did, deps);
  return deps.resolver.resolve(did);
}

function isLasting(until: number | undefined, { verification }: LastingKeysDeps): boolean {
  return until === undefined || until - verification.now() >= SHORTEST;
}

/** What went wrong, who asks next is told. */
async function renew(did: string, { resolver }: LastingKeysDeps): Promise<void> {
  await resolver.refresh(did).catch(() => undefined);
}
