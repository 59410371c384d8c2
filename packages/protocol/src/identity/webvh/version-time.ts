import { formatTime, parseTime } from '../../encoding/time.js';
import { malformed } from '../../error.js';

const VERSION_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)$/;

/** Reads a UTC time of ISO 8601 as did:webvh logs hold them, with or without a fraction, as Unix microseconds; what is
 *  finer is cut off.
 *  @throws {TrustError} MALFORMED: another form, another zone, a moment that does not exist */
export function parseVersionTime(text: unknown): number {
  const parts = typeof text === 'string' ? VERSION_TIME.exec(text) : null;
  if (parts === null) throw malformed('a versionTime that is not a UTC time of ISO 8601');
  const [, whole, fraction = ''] = parts;
  return parseTime(`${whole}.000Z`) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** Writes Unix milliseconds as did:webvh logs usually hold them, whole seconds, fraction cut off. */
export function formatVersionTime(ms: number): string {
  return `${formatTime(Math.floor(ms / 1000) * 1000).slice(0, 19)}Z`;
}
