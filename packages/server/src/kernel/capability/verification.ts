import {
  type Anchor,
  type CryptoProvider,
  canonicalize,
  checkInForce,
  type DidResolver,
  type ParsedChain,
  type RevocationCheck,
  type SignatureVerifier,
  TrustError,
  type VerifiedCapability,
  type VerifyContext,
  verifyCapability,
} from '@talosprotocol/protocol';
import type { Clock } from '../../platform/system.js';
import { endedIn, type Standing } from '../identity/standing.js';
import type { KernelPolicy } from '../ports.js';
import { type Revocations, staleFeed } from '../revocation/revocations.js';

/** Verifies chains as this platform does now: with its policy, its revocations and its clock. */
export interface Verification {
  /** What protocol's verify functions take, as of now. @throws {TrustError} UNAVAILABLE: see `assertFresh` */
  context(): VerifyContext;
  /** @throws {TrustError} as verifyCapability; UNAVAILABLE */
  verify(chain: string | ParsedChain): Promise<VerifiedCapability>;
  /** Checks one that was verified earlier: times, revocations, the anchor, the age of fetched keys. Synchronous.
   *  @throws {TrustError} REVOKED | EXPIRED | NOT_YET_VALID | UNTRUSTED_ISSUER | UNAVAILABLE */
  assertInForce(capability: VerifiedCapability, op: 'read' | 'write'): void;
  /** @throws {TrustError} UNAVAILABLE while revocations or endings may be unheard of */
  assertFresh(op: 'read' | 'write'): void;
  /** True while the policy has this anchor, word for word. */
  hasAnchor(anchor: Anchor): boolean;
  /** Unix seconds. */
  now(): number;
}

export interface VerificationDeps {
  /** DID of the gateway: the audience. */
  readonly gateway: string;
  readonly policy: () => KernelPolicy;
  readonly revocations: Pick<Revocations, 'isLinkRevoked' | 'isFresh' | 'track' | 'isOutdated'>;
  readonly standing: Pick<Standing, 'isInactive' | 'isFresh'>;
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
  /** Verifies signatures on other threads; by default `crypto` does, here. */
  readonly signatures?: SignatureVerifier;
  readonly clock: Clock;
}

export function createVerification(deps: VerificationDeps): Verification {
  const { revocations, policy, crypto, resolver, signatures } = deps;
  const { isInactive } = deps.standing;
  /** A link of an identity that has ended (ID-15) counts as revoked. */
  const isRevoked: RevocationCheck = (lid, index, links) => {
    if (revocations.isLinkRevoked(lid, index, links)) return true;
    const ended = endedIn(index, links, isInactive);
    return ended === undefined ? false : { ended };
  };
  /** The first question about a chain is asked before anything else of it is used. */
  const trackAndAsk: RevocationCheck = (lid, index, links) => {
    if (index === 0) revocations.track(links);
    return isRevoked(lid, index, links);
  };
  const now = (): number => Math.floor(deps.clock.now() / 1000);
  const hasAnchor = createAnchorCheck(policy);
  const assertFresh = (op: 'read' | 'write'): void => {
    if (!revocations.isFresh(op) || !deps.standing.isFresh(op)) throw staleFeed();
  };
  const context = (): VerifyContext => {
    assertFresh('read');
    return {
      now: now(),
      audience: deps.gateway,
      anchors: policy().anchors,
      isRevoked: trackAndAsk,
      resolver,
      crypto,
      ...(signatures === undefined ? {} : { signatures }),
    };
  };
  return {
    now,
    context,
    hasAnchor,
    assertFresh,
    verify: async (chain) => verifyCapability(chain, context()),
    assertInForce: (capability, op) => {
      assertFresh(op);
      checkInForce(capability, { now: now(), isRevoked });
      if (!hasAnchor(capability.anchor)) {
        throw new TrustError('UNTRUSTED_ISSUER', 'the trust anchor was changed', { link: 0 });
      }
      // Also of a chain that was being verified when its issuer's keys became others (ID-14).
      if (now() >= capability.keysValidUntil || revocations.isOutdated(capability.links))
        throw new TrustError('EXPIRED', 'fetched keys are too old');
    },
  };
}

/** A reload of the policy makes new anchors of the same words; they are compared once. */
function createAnchorCheck(policy: () => KernelPolicy): (anchor: Anchor) => boolean {
  const equal = new WeakMap<Anchor, Anchor>();
  return (anchor) => {
    const current = policy().anchors.get(anchor.iss);
    if (current === undefined) return false;
    if (current === anchor || equal.get(anchor) === current) return true;
    if (canonicalize(current.source) !== canonicalize(anchor.source)) return false;
    equal.set(anchor, current);
    return true;
  };
}
