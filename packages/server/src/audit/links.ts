import { type CryptoProvider, isTrustError, type ParsedChain, parseChain } from '@talosprotocol/protocol';
import type { DraftPrincipal } from './draft.js';
import { DraftError } from './draft-error.js';

/** What is kept of a chain besides its event: whom it is for, by which links it is found, and until when it can be used. */
export interface ChainLinks {
  readonly holder: DraftPrincipal;
  /** `lid` of every link, root first. */
  readonly lids: readonly string[];
  /** Unix seconds when the first of its links expires. */
  readonly exp: number;
}

/** Reads a chain that is to be logged (CAP-4). Its signatures were verified where it was taken in; that they hold shows in
 *  every bundle. @throws {DraftError} MALFORMED: no chain, or not the one its hash names */
export function readLinks(members: { cth: string; chain: string }, crypto: CryptoProvider): ChainLinks {
  const { cth, root, leaf, links } = parsed(members.chain, crypto);
  if (cth !== members.cth)
    throw new DraftError('MALFORMED', 'a chain that does not hash to the cth it is logged under');
  const [{ sub }, { prn }] = [leaf.claims, root.claims];
  return {
    holder: prn === undefined ? { sub } : { sub, prn },
    lids: links.map(({ lid }) => lid),
    exp: Math.min(...links.map(({ claims }) => claims.exp)),
  };
}

function parsed(chain: string, crypto: CryptoProvider): ParsedChain {
  try {
    return parseChain(chain, crypto);
  } catch (error) {
    if (!isTrustError(error)) throw error;
    throw new DraftError('MALFORMED', 'a chain that nobody can read', error);
  }
}
