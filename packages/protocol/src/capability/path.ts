import { isNfc } from '../encoding/nfc.js';
import { utf8Length } from '../encoding/utf8.js';
import { readsAsDots } from './dots.js';

const MAX_BYTES = 4096;
const FORBIDDEN = /[\\\p{Cc}\p{Surrogate}]/u;

/** The segments of a normal path (CAP-17), none for `/`; undefined for any other text, which is then refused,
 *  never repaired. No link is followed here: that is the gateway's part (CAP-18).
 *  @example normalPath('/docs/a.txt') // ['docs', 'a.txt'] */
export function normalPath(text: string): readonly string[] | undefined {
  if (text === '/') return [];
  if (!text.startsWith('/') || text.length > MAX_BYTES || utf8Length(text) > MAX_BYTES) return undefined;
  if (FORBIDDEN.test(text) || readsAsDots(text) || !isNfc(text)) return undefined;
  const segments = text.slice(1).split('/');
  return segments.every(isNormalSegment) ? segments : undefined;
}

function isNormalSegment(segment: string): boolean {
  return segment !== '' && !segment.startsWith('~');
}
