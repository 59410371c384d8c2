import { createChecker, type RevokeAnswer, RevokeRequest } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  type DidResolver,
  formatTime,
  isRevocationBelow,
  type JsonObject,
  type ParsedChain,
  parseRevocation,
  parseRevocationBelow,
  TrustError,
  verifyRevocation,
  verifyRevocationBelow,
} from '@talosprotocol/protocol';
import { createSteadiness } from '../../platform/steady-clock.js';
import type { Clock } from '../../platform/system.js';
import { type Actor, actorOf } from '../actor.js';
import type { Events, RevocationFacts } from '../events.js';
import type { KernelPolicy } from '../ports.js';
import type { KernelStore } from '../store.js';
import type { Counted, Revocation, RevocationTarget } from './revocation.js';
import type { Revocations } from './revocations.js';
import { type FeedWriter, KEPT_SECONDS } from './store.js';

/** Revokes links, and what DIDs handed on. */
export interface Revoking {
  /** Revokes what a signed revocation names (CAP-25, REV-1). @throws {TrustError} MALFORMED, as verifyRevocation,
   *    RATE_LIMITED: too many are in force below this root, UNAVAILABLE */
  revokeSigned(jws: string): Promise<RevokeAnswer>;
  /** Revokes for an administrator, whom the caller of this has checked. */
  revokeAsAdministrator(target: RevocationTarget, actor: Actor): Promise<RevokeAnswer>;
  /** Forgets what refuses only links that have expired long ago, while the clock is steady: what was forgotten by one that is wrong
   *  would be accepted again once it is right. */
  tidy(): Promise<void>;
}

export interface RevokingDeps {
  /** DID of the platform's organisation, which signed what the store has. */
  readonly issuer: string;
  readonly store: KernelStore;
  readonly revocations: Revocations;
  readonly feed: { readonly writer: FeedWriter };
  readonly events: Pick<Events, 'revoked'>;
  readonly policy: () => KernelPolicy;
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

export function createRevoking(deps: RevokingDeps): Revoking {
  const { store, revocations, events, clock, feed } = deps;
  const isSteady = createSteadiness(clock);

  /** In force as soon as it is durable, in the log next, then answered: nothing allowed can follow it in the log.
   *  If the log refuses, it stays in force, and its event goes into the log later. */
  const put = async (revocation: Revocation, actor?: Actor): Promise<RevokeAnswer> => {
    const facts = await factsOf(revocation, actor, deps);
    const kept = await store.addRevocation(revocation, feed.writer, events.revoked(facts).keep);
    enforce(kept, revocations);
    await events.revoked({ ...facts, at: kept.at }).deliver();
    return answer(kept);
  };
  return {
    revokeSigned: async (jws) => {
      const { target, by, chain, iss } = await verifySigned(jws, deps);
      const signed = { target, by, revocation: jws, at: clock.now(), exp: expiryOf(chain) };
      // Refused for ever by what is in force already: else whoever lost a capability could go on filling list and log with
      // links below it, of their own making.
      if (isMoot(target, chain, revocations)) return answer(signed);
      // The root's issuer is an anchor of the policy; nobody bounds how often it takes back what it gave.
      const counted = iss === chain.root.claims.iss ? {} : { counted: countedOf(target, chain) };
      return put({ ...signed, ...counted });
    },
    revokeAsAdministrator: async (target, actor) => {
      const issued = 'lid' in target ? await store.findCapability(target.lid) : undefined;
      const exp = issued?.exp ?? null;
      const revoked = { target, by: 'administrator', revocation: null, exp } as const;
      return put({ ...revoked, at: clock.now() }, actorOf(actor));
    },
    tidy: async () => {
      if (!isSteady()) return;
      const before = Math.floor(clock.now() / 1000) - KEPT_SECONDS;
      revocations.forget(await store.forgetRevocations(before));
    },
  };
}

function enforce({ target, exp }: Revocation, revocations: Revocations): void {
  if ('lid' in target) revocations.enforce(target.lid, exp ?? undefined);
  else revocations.enforceRule(target.rule, exp ?? undefined);
}

function answer({ target, by, at }: Revocation): RevokeAnswer {
  return { ...target, by, revoked: formatTime(at) };
}

interface SignedRevocation {
  readonly target: RevocationTarget;
  readonly by: Revocation['by'];
  readonly chain: ParsedChain;
  readonly iss: string;
}

async function verifySigned(jws: string, deps: RevokingDeps): Promise<SignedRevocation> {
  const { policy, resolver, crypto, clock } = deps;
  const context = { now: Math.floor(clock.now() / 1000), anchors: policy().anchors, resolver, crypto };
  if (isRevocationBelow(jws)) {
    const parsed = parseRevocationBelow(jws, crypto);
    const { rule, by } = await verifyRevocationBelow(parsed, context);
    return { target: { rule }, by, chain: parsed.chain, iss: parsed.claims.iss };
  }
  const parsed = parseRevocation(jws, crypto);
  const { lid, by } = await verifyRevocation(parsed, context);
  return { target: { lid }, by, chain: parsed.chain, iss: parsed.claims.iss };
}

/** Whether all that the revocation would refuse is refused already, by a link above. */
function isMoot(target: RevocationTarget, { links }: ParsedChain, revocations: Revocations): boolean {
  if ('lid' in target && revocations.isRevoked(target.lid)) return false;
  const above = 'lid' in target ? links.slice(0, -1) : links;
  return above.some((link, index) => revocations.isLinkRevoked(link.lid, index, links));
}

/** After that moment (Unix seconds) every chain with the last link of this one has expired. */
function expiryOf({ links }: ParsedChain): number {
  return Math.min(...links.map(({ claims }) => claims.exp));
}

function countedOf(target: RevocationTarget, { links, root }: ParsedChain): Counted {
  const above = 'lid' in target ? links.slice(0, -1) : links;
  return { root: root.lid, branch: above[1]?.lid ?? null };
}

/** The tenant is that of the chain's anchor, so that the event stands in the log the link's calls stand in. */
async function factsOf(
  { target, by, revocation, at }: Revocation,
  actor: Actor | undefined,
  deps: RevokingDeps,
): Promise<RevocationFacts> {
  const { anchors, defaultTenant } = deps.policy();
  if (revocation === null) {
    const issued = 'lid' in target ? await deps.store.findCapability(target.lid) : undefined;
    const tenant = issued === undefined ? undefined : anchors.get(deps.issuer)?.tenant;
    const who = actor === undefined ? {} : { actor };
    return { target, by, revocation, at, ...who, chainHash: null, tenant: tenant ?? defaultTenant };
  }
  const parse = 'lid' in target ? parseRevocation : parseRevocationBelow;
  const { chain, claims } = parse(revocation, deps.crypto);
  const tenant = anchors.get(chain.root.claims.iss)?.tenant ?? defaultTenant;
  return { target, by, revocation, at, chainHash: chain.cth, tenant, madeAt: claims.iat };
}

const checkRequest = createChecker(RevokeRequest);

/** A body is a signed revocation, or what an administrator revokes. @throws {TrustError} MALFORMED */
export function parseRevokeRequest(
  body: JsonObject,
): { readonly jws: string } | { readonly target: RevocationTarget } {
  // A JWS is read by its own parser, which says what is wrong with it.
  const { revocation } = body;
  if (Object.keys(body).length === 1 && typeof revocation === 'string') return { jws: revocation };
  const fault = checkRequest(body);
  if (fault !== undefined) {
    throw new TrustError('MALFORMED', `a revocation: ${fault}`, {
      hint: 'Give exactly one of revocation, lid, or below with as.',
    });
  }
  const stated = body as Exclude<RevokeRequest, { revocation: string }>;
  if ('lid' in stated) return { target: { lid: stated.lid } };
  const { below, as, point = null } = stated;
  return { target: { rule: { below, as, point } } };
}
