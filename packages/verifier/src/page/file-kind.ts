import { isTrustError, parseJsonObject } from '@talosprotocol/protocol';

/** What a file is, by its looks. The verifier decides; this only finds its place on the page. */
export type FileKind = 'bundle' | 'receipt' | 'trust' | 'checkpoint' | 'unknown';

/** Larger files are bundles, or nothing. */
const MAX_SMALL = 4 * 1024 * 1024;
const FORMATS: Readonly<Record<string, FileKind>> = {
  'talos-bundle-v1': 'bundle',
  'talos-bundle-v2': 'bundle',
  'talos-receipt-v1': 'receipt',
  'talos-trust-v1': 'trust',
};

export function kindOfFile(bytes: Uint8Array): FileKind {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 16));
  if (head.startsWith('{"anchors":') || head.startsWith('{"checkpoint":')) return 'bundle';
  if (bytes.length > MAX_SMALL) return 'unknown';
  if (!/^\s*\{/.test(head)) return isNote(bytes) ? 'checkpoint' : 'unknown';
  try {
    const { format } = parseJsonObject(bytes, { maxBytes: MAX_SMALL, floats: true });
    return (typeof format === 'string' && FORMATS[format]) || 'unknown';
  } catch (error) {
    if (isTrustError(error)) return 'unknown';
    throw error;
  }
}

function isNote(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes).includes('\n\n\u2014 ');
}
