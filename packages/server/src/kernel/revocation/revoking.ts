import { createChecker, Hash43, type RevokeAnswer } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  type DidResolver,
  formatTime,
  type JsonObject,
  parseRevocation,
  TrustError,
  verifyRevocation,
} from '@talosprotocol/protocol';
import type { Clock } from '../../platform/system.js';
import type { Events, RevocationFacts } from '../events.js';
import type { KernelPolicy } from '../ports.js';
import type { KernelStore } from '../store.js';
import type { Revocation } from './revocation.js';
import type { Revocations } from './revocations.js';

/** Revokes links. */
export interface Revoking {
  /** Revokes what a signed revocation names (CAP-25). @throws {TrustError} MALFORMED, as verifyRevocation,
   *    UNAVAILABLE */
  revokeSigned(jws: string): Promise<RevokeAnswer>;
  /** Revokes for an administrator, whom the caller of this has checked. @throws {TrustError} MALFORMED */
  revokeAsAdministrator(lid: string): Promise<RevokeAnswer>;
  /** Logs the revocations whose event a crash has kept out of the log. */
  settle(): Promise<void>;
}

export interface RevokingDeps {
  /** DID of the platform's organisation, which signed what the store has. */
  readonly issuer: string;
  readonly store: KernelStore;
  readonly revocations: Revocations;
  readonly events: Pick<Events, 'revoked'>;
  readonly policy: () => KernelPolicy;
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

/** Younger ones are being logged by whoever took them in. */
const SETTLE_AFTER_MS = 10_000;

const checkLid = createChecker(Hash43);

export function createRevoking(deps: RevokingDeps): Revoking {
  const { store, revocations, events, clock } = deps;
  const underWay = new Map<string, Promise<void>>();

  /** In force as soon as it is durable, in the log next, then answered: nothing allowed can follow it in the log.
   *  If the log refuses, it stays in force, and the next request or start brings it into the log. */
  const put = async (revocation: Revocation): Promise<RevokeAnswer> => {
    const kept = await store.addRevocation(revocation);
    revocations.enforce(kept.lid);
    if (!kept.audited) await log(kept);
    return { lid: kept.lid, by: kept.by, revoked: formatTime(kept.at) };
  };
  const log = (kept: Revocation): Promise<void> => {
    const pending = underWay.get(kept.lid) ?? logOnce(kept).finally(() => underWay.delete(kept.lid));
    underWay.set(kept.lid, pending);
    return pending;
  };
  const logOnce = async (kept: Revocation): Promise<void> => {
    await events.revoked(await factsOf(kept, deps));
    await store.markAudited(kept.lid);
  };
  return {
    revokeSigned: async (jws) => {
      const { policy, resolver, crypto } = deps;
      const now = Math.floor(clock.now() / 1000);
      const context = { now, anchors: policy().anchors, resolver, crypto };
      const parsed = parseRevocation(jws, crypto);
      const { lid, by } = await verifyRevocation(parsed, context);
      // Refused for ever by the link before it already: else whoever lost a capability could go on filling list and log
      // with links below it, of their own making.
      const above = parsed.chain.links.slice(0, -1);
      if (!revocations.isRevoked(lid) && above.some((link) => revocations.isRevoked(link.lid))) {
        return { lid, by, revoked: formatTime(clock.now()) };
      }
      return put({ lid, by, revocation: jws, at: clock.now() });
    },
    revokeAsAdministrator: async (lid) => {
      const fault = checkLid(lid);
      if (fault !== undefined) throw new TrustError('MALFORMED', `lid ${fault}`);
      return put({ lid, by: 'administrator', revocation: null, at: clock.now() });
    },
    settle: async () => {
      const before = clock.now() - SETTLE_AFTER_MS;
      for (const kept of await store.unauditedRevocations(before)) await log(kept);
    },
  };
}

/** The tenant is that of the chain's anchor, so that the event stands in the log the link's calls stand in. */
async function factsOf({ lid, by, revocation }: Revocation, deps: RevokingDeps): Promise<RevocationFacts> {
  const { anchors, defaultTenant } = deps.policy();
  if (revocation === null) {
    const issued = await deps.store.findCapability(lid);
    const tenant = issued === undefined ? undefined : anchors.get(deps.issuer)?.tenant;
    return { lid, by, revocation, chainHash: null, tenant: tenant ?? defaultTenant };
  }
  const { chain, claims } = parseRevocation(revocation, deps.crypto);
  const tenant = anchors.get(chain.root.claims.iss)?.tenant ?? defaultTenant;
  return { lid, by, revocation, chainHash: chain.cth, tenant, madeAt: claims.iat };
}

/** A body is a signed revocation or a link's id, never both. @throws {TrustError} MALFORMED */
export function parseRevokeRequest(body: JsonObject): { readonly jws: string } | { readonly lid: string } {
  const names = Object.keys(body);
  const { revocation, lid } = body;
  if (names.length === 1 && typeof revocation === 'string') return { jws: revocation };
  if (names.length === 1 && typeof lid === 'string') return { lid };
  throw new TrustError('MALFORMED', 'a revocation: must have exactly one of revocation and lid');
}
