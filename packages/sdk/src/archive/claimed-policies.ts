import type { AuditEvent, PolicyAnchors } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  canonicalize,
  isTrustError,
  type LogFault,
  parseAnchors,
} from '@talosprotocol/protocol';
import { POLICIES } from './log-archive.js';

/** The policies that an archive claims. Their hashes cover more than their anchors, so that nothing proves these: taken over
 *  is only what the log names, and whoever imports is told. */
export interface ClaimedPolicies {
  /** Looks at which policy an event of the log names. */
  follow(event: AuditEvent): void;
  /** Those that were named. */
  named(): readonly PolicyAnchors[];
}

export interface ClaimDeps {
  readonly crypto: CryptoProvider;
  /** That of talos.yaml: of it the anchors are known. Whoever has none cannot tell whether others are under its hash. */
  readonly inForce: { readonly hash: string; readonly anchors: readonly unknown[] } | undefined;
  readonly onFault: (fault: LogFault) => void;
}

/** Tells a fault of each that no later start could take: anchors that are none or two of one issuer, a hash that is there
 *  twice, and other anchors than talos.yaml has under the same hash. */
export function claimPolicies(policies: readonly PolicyAnchors[], deps: ClaimDeps): ClaimedPolicies {
  const claimed = new Map<string, PolicyAnchors>();
  const named = new Set<string>();
  for (const one of policies) {
    const wrong = claimed.has(one.policy) ? 'is there twice' : faultOf(one, deps);
    if (wrong !== undefined) deps.onFault({ where: POLICIES, what: `the policy ${one.policy} ${wrong}` });
    claimed.set(one.policy, one);
  }
  return {
    follow: (event) => {
      if ('policy' in event) named.add(event.policy);
    },
    named: () => [...claimed.values()].filter(({ policy }) => named.has(policy)),
  };
}

function faultOf({ policy, anchors }: PolicyAnchors, { crypto, inForce }: ClaimDeps): string | undefined {
  try {
    parseAnchors(anchors, crypto);
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return `has anchors that no talos.yaml can have: ${error.data.reason}`;
  }
  if (policy !== inForce?.hash || canonicalize(anchors) === canonicalize(inForce.anchors)) return undefined;
  return 'has other anchors than talos.yaml, whose hash it has';
}
