import { type LimitTake, TrustError, type VerifiedCapability } from '@talosprotocol/protocol';
import type { Period } from './period.js';

/** Says which limit of which link a call would exceed, and what would help. */
export function refusalOf(
  need: LimitTake & Period,
  capability: VerifiedCapability,
  nowMs: number,
): TrustError {
  const { link, kind } = need;
  const issuer = capability.links[link - 1]?.claims.iss;
  const who =
    issuer === undefined ? 'The operator of this gateway set this limit' : `${issuer} set this limit`;
  const caveat = caveatOf(need);
  if (kind === 'rate') {
    const wait = Math.max(1, Math.ceil(need.ends - nowMs / 1000));
    const hint = `${who}. Try again in ${wait} s, or ask for a link with a higher rate.`;
    return new TrustError('RATE_LIMITED', `link ${link} allows no more calls now`, { link, caveat, hint });
  }
  const until = need.per === 'total' ? 'for good' : `until the next ${need.per} (UTC) begins`;
  const left = need.amount === 1 ? 'it is used up' : 'less than this call may need is left';
  return new TrustError('BUDGET_EXCEEDED', `the ${kind} of link ${link} do not suffice`, {
    link,
    caveat,
    hint: `${who}; ${left} ${until}. Ask for a link with a higher limit.`,
  });
}

/** The limit as people read it. */
function caveatOf({ kind, per, allowed, currency }: LimitTake): string {
  if (kind === 'rate') return `rate ${allowed} per ${per} s`;
  return `${kind} ${allowed}${kind === 'cost' ? ` ${currency} micro-units` : ''} per ${per}`;
}
