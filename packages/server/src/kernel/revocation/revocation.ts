import type { BelowRule, FeedItem, RevokedBy } from '@talosprotocol/contracts';
import { ruleName } from '@talosprotocol/protocol';

/** What a revocation is about: one link, or a rule below a DID. */
export type RevocationTarget = { readonly lid: string } | { readonly rule: BelowRule };

/** A revocation as it is kept. */
export interface Revocation {
  readonly target: RevocationTarget;
  readonly by: RevokedBy;
  /** The JWS; null if an administrator revoked. */
  readonly revocation: string | null;
  /** Unix milliseconds. */
  readonly at: number;
  /** Unix seconds after which all that it refuses has expired; null if that is not known. */
  readonly exp: number | null;
  /** What it counts against; absent where nothing is counted. */
  readonly counted?: Counted;
}

/** The first link of the shown chain, and the second if what is revoked lies below it. */
export interface Counted {
  readonly root: string;
  readonly branch: string | null;
}

/** Identifies a revocation: a second one of the same name adds nothing. A rule's name has spaces, a lid has none. */
export function nameOf(target: RevocationTarget): string {
  return 'lid' in target ? target.lid : ruleName(target.rule);
}

/** A revocation as the feed says it. */
export function itemOf({ target, exp }: Pick<Revocation, 'target' | 'exp'>): FeedItem {
  return exp === null ? target : { ...target, exp };
}
