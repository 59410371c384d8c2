import {
  type CryptoProvider,
  decodeBase64url,
  encodeBase64url,
  encodeUtf8,
  isTrustError,
  parseJsonObject,
} from '@talosprotocol/protocol';

/** What is kept of a chain besides its event: by which links it is found, and until when it can be used. */
export interface ChainLinks {
  /** `lid` of every link, root first. */
  readonly lids: readonly string[];
  /** Unix seconds when the first of its links expires; null if one does not say. */
  readonly exp: number | null;
}

/** Reads the text of a chain (CAP-4), which whoever handed it in has verified. */
export function readLinks(chain: string, crypto: CryptoProvider): ChainLinks {
  const links = chain.split('~');
  const ends = links.map(endOf);
  const known = ends.filter((end) => end !== undefined);
  return {
    lids: links.map((link) => encodeBase64url(crypto.sha256(encodeUtf8(link)))),
    exp: known.length < ends.length ? null : Math.min(...known),
  };
}

function endOf(link: string): number | undefined {
  try {
    const { exp } = parseJsonObject(decodeBase64url(link.split('.')[1] ?? ''));
    return typeof exp === 'number' ? exp : undefined;
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return undefined;
  }
}
