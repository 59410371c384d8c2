import type { EventOf } from '@talosprotocol/contracts';
import type { ParsedLink } from '../capability/link.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { parseTime } from '../encoding/time.js';
import { didKeyKeys } from '../identity/resolver.js';
import { type StatementContext, verifyDeactivation, verifyHandOver } from '../identity/statement.js';
import { notProven } from './not-proven.js';

/** The identities a bundle has shown to have ended so far (AUD-22). */
export interface Endings {
  /** @throws {TrustError} PROOF_NOT_PROVEN | PROOF_INVALID | MALFORMED */
  follow(event: EventOf<'identity.rotated'> | EventOf<'identity.deactivated'>): void;
  /** Unix milliseconds since when an identity that a link names has ended: its holder, and of the root its issuer. */
  since(index: number, links: readonly ParsedLink[]): number | undefined;
}

/** Keeps who ended. A statement of a `did:key` is checked by its own key; keys of other DIDs are not in a bundle. */
export function createEndings(crypto: CryptoProvider): Endings {
  const ended = new Map<string, number>();
  return {
    follow: (event) => {
      const time = parseTime(event.time);
      const ctx = { audience: event.emitter, now: Math.floor(time / 1000), crypto };
      const ends = event.type === 'identity.rotated' ? checkRotation(event, ctx) : checkEnd(event, ctx);
      if (ends && !ended.has(event.did)) ended.set(event.did, time);
    },
    since: (index, links) => {
      const { iss, sub } = (links[index] as ParsedLink).claims;
      return ended.get(sub) ?? (index === 0 ? ended.get(iss) : undefined);
    },
  };
}

/** True if another DID took over; false if the DID changed its own keys. */
function checkRotation(
  { did, successor, version, statement }: EventOf<'identity.rotated'>,
  ctx: StatementContext,
): boolean {
  if ((successor === null) !== (statement === null) || (successor !== null && version !== null))
    throw notProven('identity', 'exactly a successor comes with a statement, and without a version');
  if (successor === null || statement === null) return false;
  if (!did.startsWith('did:key:')) return true;
  if (verifyHandOver(statement, didKeyKeys(did), ctx).sub === successor) return true;
  throw notProven('identity', 'the statement names another successor');
}

function checkEnd(
  { did, by, statement, actor }: EventOf<'identity.deactivated'>,
  ctx: StatementContext,
): boolean {
  if (by !== 'administrator' && actor !== undefined)
    throw notProven('identity', 'what ends by itself needs no administrator');
  if ((by === 'identity') !== (statement !== null))
    throw notProven('identity', 'exactly an identity that ends itself states so');
  if (statement !== null && did.startsWith('did:key:')) verifyDeactivation(statement, didKeyKeys(did), ctx);
  return true;
}
