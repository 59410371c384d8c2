import type { KernelPolicy } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';
import type { Verification } from './verification.js';

/** Makes what is to be called after each change of the policy: it ends what hangs on an anchor that is not in force any
 *  more. New requests are refused without it; sessions would stay in the table, and running calls would run on. */
export function createAnchorEnds(deps: {
  readonly policy: () => KernelPolicy;
  readonly verification: Pick<Verification, 'hasAnchor'>;
  readonly revocations: Pick<Revocations, 'endWhere'>;
}): () => void {
  let known = deps.policy().anchors;
  return () => {
    const gone = [...known.values()].filter((anchor) => !deps.verification.hasAnchor(anchor));
    known = deps.policy().anchors;
    const issuers = new Set(gone.map(({ iss }) => iss));
    if (issuers.size === 0) return;
    deps.revocations.endWhere((index, links) => index === 0 && issuers.has(links[0]?.claims.iss ?? ''));
  };
}
