import { parseJsonObject } from '../encoding/json.js';
import { decodeUtf8 } from '../encoding/utf8.js';

/** What a file is, by its looks. */
export type FileKind = 'bundle' | 'receipt' | 'trust' | 'checkpoint' | 'unknown';

/** Larger files are bundles, or nothing. */
const MAX_SMALL = 4 * 1024 * 1024;
const FORMATS: ReadonlyMap<unknown, FileKind> = new Map([
  ['talos-bundle-v1', 'bundle'],
  ['talos-bundle-v2', 'bundle'],
  ['talos-receipt-v1', 'receipt'],
  ['talos-trust-v1', 'trust'],
]);
/** A bundle is canonical JSON, and so begins with one of these. */
const BUNDLE = ['{"anchors":', '{"checkpoint":'];

/** Finds the verifier of a file, and the place where somebody meant to put it. It verifies nothing: whatever is not what it looks
 *  like is refused by whoever reads it. What a bundle discloses further inside has no say. */
export function kindOfFile(bytes: Uint8Array): FileKind {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  if (BUNDLE.some((start) => head.startsWith(start))) return 'bundle';
  if (bytes.length > MAX_SMALL) return 'unknown';
  try {
    if (!/^\s*\{/.test(head)) return decodeUtf8(bytes).includes('\n\n\u2014 ') ? 'checkpoint' : 'unknown';
    const { format } = parseJsonObject(bytes, { maxBytes: MAX_SMALL, floats: true });
    return FORMATS.get(format) ?? 'unknown';
  } catch {
    // Neither text nor JSON.
    return 'unknown';
  }
}
