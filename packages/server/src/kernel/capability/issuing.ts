import { createChecker, IssueCapabilityRequest, MAX_FINDINGS } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createSigner,
  formatBearerKey,
  type IssueOptions,
  issueCapability,
  type JsonObject,
  lintAttenuation,
  type ParsedChain,
  type Signer,
  TrustError,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import type { Clock, Random } from '../../platform/system.js';
import type { Actor } from '../actor.js';
import type { Events } from '../events.js';
import type { Standing } from '../identity/standing.js';
import type { KernelPolicy } from '../ports.js';
import type { KernelStore } from '../store.js';

/** What is answered: a chain of one link and its hashes (CAP-5). `key` only for the bearer form, and only here. */
interface Issued {
  readonly chain: string;
  readonly lid: string;
  readonly cth: string;
  readonly key?: string;
}

export interface IssuingDeps {
  readonly organisation: Signer;
  /** The default audience. */
  readonly gateway: string;
  readonly policy: () => KernelPolicy;
  readonly standing: Pick<Standing, 'isInactive'>;
  readonly store: Pick<KernelStore, 'addCapability'>;
  readonly events: Pick<Events, 'assertAccepting' | 'capabilityIssued'>;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

/** Issues root links in the organisation's name. */
export interface Issuing {
  /** With `bearer` and without `sub` it makes the holder's key, and gives it away with the answer: it is kept
   *  nowhere. In the log before it is answered.
   *  @throws {TrustError} MALFORMED; UNTRUSTED_ISSUER: the organisation is no anchor; POLICY_DENIED: more than the
   *    anchor allows; DELEGATION_INVALID: a bearer link the anchor does not allow; EXPIRED; UNAVAILABLE */
  issue(request: JsonObject, actor: Actor): Promise<Issued>;
}

const check = createChecker(IssueCapabilityRequest);

export function createIssuing(deps: IssuingDeps): Issuing {
  return {
    issue: async (request, actor) => {
      const seed = request['bearer'] === true && !Object.hasOwn(request, 'sub') ? deps.random(32) : undefined;
      try {
        const chain = signRoot(parseRequest(request, seed, deps), deps);
        assertActive(chain.root.claims, deps);
        const { cth, leaf } = chain;
        const tenant = checkAgainstAnchor(chain, deps);
        deps.events.assertAccepting();
        const event = deps.events.capabilityIssued({ chain: chain.chain, cth, tenant }, leaf.lid, actor);
        const { sub, exp } = leaf.claims;
        const kept = { lid: leaf.lid, cth, chain: chain.chain, sub, exp, at: deps.clock.now() };
        await deps.store.addCapability(kept, event.keep);
        await event.deliver();
        const issued = { chain: chain.chain, lid: leaf.lid, cth };
        return seed === undefined ? issued : { ...issued, key: formatBearerKey(chain.chain, seed) };
      } finally {
        seed?.fill(0);
      }
    },
  };
}

function parseRequest(request: JsonObject, seed: Uint8Array | undefined, deps: IssuingDeps): IssueOptions {
  const stated = seed === undefined ? request : { ...request, sub: createSigner(seed, deps.crypto).did };
  const fault = check(stated);
  if (fault !== undefined) throw new TrustError('MALFORMED', `a capability: ${fault}`);
  const options = stated as unknown as IssueCapabilityRequest;
  return { ...options, aud: options.aud ?? [deps.gateway] } as IssueOptions;
}

function signRoot(options: IssueOptions, { organisation, crypto, clock, random }: IssuingDeps): ParsedChain {
  const now = Math.floor(clock.now() / 1000);
  if (options.exp <= now) throw new TrustError('EXPIRED', 'exp lies in the past', { link: 1 });
  return issueCapability(options, organisation, { crypto, now: () => now, randomBytes: random });
}

/** Nothing is issued in the name of an identity that has ended, nor to one (ID-15). */
function assertActive(
  { iss, sub }: { readonly iss: string; readonly sub: string },
  { standing }: IssuingDeps,
): void {
  for (const did of [iss, sub]) {
    if (!standing.isInactive(did)) continue;
    throw new TrustError('REVOKED', `the identity ${did} was rotated or deactivated`, {
      hint: 'Issue to an identity that is active: talos id show tells the successor of one that was rotated.',
    });
  }
}

/** Nothing is issued that would be refused here or be worth less than it says. Gives the tenant. */
function checkAgainstAnchor(chain: ParsedChain, { policy, organisation, crypto }: IssuingDeps): string {
  const { anchors } = policy();
  const anchor = anchors.get(organisation.did);
  if (anchor === undefined) {
    throw new TrustError('UNTRUSTED_ISSUER', 'the organisation of this platform is no trust anchor', {
      hint: `Add an anchor for ${organisation.did} to talos.yaml.`,
    });
  }
  const { claims } = chain.root;
  verifyCapabilityAsOf(chain, { time: Math.max(claims.iat, claims.nbf ?? 0), anchors, crypto });
  const findings = lintAttenuation(anchor.source, claims, crypto);
  const [first, ...more] = findings;
  if (first === undefined) return anchor.tenant;
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  throw new TrustError('POLICY_DENIED', `${first.at} ${first.what}${others}`, {
    link: 0,
    caveat: first.at,
    hint: 'Ask for no more than the trust anchor of talos.yaml allows, or widen the anchor.',
    findings: findings.slice(0, MAX_FINDINGS),
  });
}
