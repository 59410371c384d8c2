import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { isTrustError, malformed, TrustError } from '../error.js';
import { type ParsedLink, parseLink } from './link.js';

/** A chain, well-formed, not verified: anybody could have written it. */
export interface ParsedChain {
  /** The text as received, root first. */
  readonly chain: string;
  /** Hash of the text (CAP-5). */
  readonly cth: string;
  readonly links: readonly ParsedLink[];
  readonly root: ParsedLink;
  readonly leaf: ParsedLink;
}

/** Reads a chain (CAP-4): its limits before anything else, then each link, root first.
 *  @throws {TrustError} MALFORMED, with the number of the link it concerns */
export function parseChain(text: string, crypto: CryptoProvider): ParsedChain {
  if (text.length > CHAIN_LIMITS.bytes) throw malformed(`a chain of more than ${CHAIN_LIMITS.bytes} bytes`);
  const parts = text.split('~');
  if (parts.length > CHAIN_LIMITS.links) throw malformed(`a chain of more than ${CHAIN_LIMITS.links} links`);
  const links: ParsedLink[] = [];
  for (const jws of parts) links.push(parsePlacedLink(jws, links.length, crypto));
  const root = links[0] as ParsedLink;
  return {
    chain: text,
    // The text of a chain of one is that of its link.
    cth: links.length === 1 ? root.lid : crypto.sha256Ascii(text),
    links,
    root,
    leaf: links[links.length - 1] as ParsedLink,
  };
}

/** Runs a step that concerns one link, and puts the link's number into the error it throws. */
export function atLink<T>(link: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw withLink(link, error);
  }
}

/** `error`, with the number of the link it concerns if it is a TrustError. */
export function withLink(link: number, error: unknown): unknown {
  if (!isTrustError(error)) return error;
  const { reason = error.message, ...data } = error.data;
  return new TrustError(error.code, reason, { ...data, link }, error);
}

function parsePlacedLink(jws: string, index: number, crypto: CryptoProvider): ParsedLink {
  try {
    const link = parseLink(jws, crypto);
    if ((link.claims.par_hash === undefined) === (index === 0)) return link;
  } catch (error) {
    throw withLink(index + 1, error);
  }
  const reason = index === 0 ? 'a root link with par_hash' : 'a link below the root without par_hash';
  throw withLink(index + 1, malformed(reason));
}
