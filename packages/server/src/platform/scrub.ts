/** Takes secrets out of a text that is about to be logged. Shapes are matched first, then the exact values this
 *  process knows to be secret. A 43-character base64url word alone is not touched: hashes look the same, and seeds
 *  that travel do so inside a bearer key, which is matched whole. */
export function createScrub(known: () => readonly string[]): (text: string) => string {
  return (text) => {
    let clean = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
    for (const value of known()) {
      if (value.length >= MIN_KNOWN) clean = clean.replaceAll(value, '[redacted]');
    }
    for (const [pattern, replacement] of SHAPES) clean = clean.replace(pattern, replacement);
    return clean;
  };
}

const MAX_TEXT = 8192;
/** A shorter "secret" would tear holes into ordinary words. */
const MIN_KNOWN = 8;

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/talos_[A-Za-z0-9_\-.~%]{16,}/g, 'talos_[redacted]'],
  [/tal_[a-z]+_[A-Za-z0-9_-]{20,}/g, 'tal_[redacted]'],
  // A seed at the end of a chain: the last element after `~`, without dots.
  [/~[A-Za-z0-9_-]{43}(?![A-Za-z0-9_\-.])/g, '~[redacted]'],
  [
    /\b(authorization|proxy-authorization|x-api-key|api-key|cookie)(["']?\s*[:=]\s*["']?)[^\r\n"']+/gi,
    '$1$2[redacted]',
  ],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/_\-.~=%]{6,}/gi, '$1 [redacted]'],
  [/\bsk-[A-Za-z0-9_-]{8,}/g, 'sk-[redacted]'],
  [/\/\/[^\s/@:]*:[^\s/@]+@/g, '//[redacted]@'],
  [
    /([?&;](?:[a-z0-9_-]*(?:token|secret|key|password|passphrase|seed|sig|signature|code))=)[^&\s"'#]+/gi,
    '$1[redacted]',
  ],
  [/\b((?:password|passphrase|secret|seed|api_?key)["']?\s*[:=]\s*["']?)[^\s"',;}]+/gi, '$1[redacted]'],
];
