import { malformed } from '../../error.js';
import { isPrivateHost } from '../address.js';
import { normalPath } from '../path.js';
import { isHostName, type NormalUrl, readUrl } from '../url.js';
import { isNormalPathIn, normalUrlIn } from './memo.js';
import { type ArgumentTest, ofString } from './test.js';

/** `within`: a normal path equal to it or below it.
 *  @throws {TrustError} MALFORMED: `value` is not a normal path */
export function isWithin(value: string): ArgumentTest {
  if (normalPath(value) === undefined) throw malformed('`within` without a normal path');
  const below = value === '/' ? '/' : `${value}/`;
  return ofString(
    (argument, memo) => (argument === value || argument.startsWith(below)) && isNormalPathIn(argument, memo),
  );
}

/** `host`: a normal URL with that host, or for `*.name` with a host that ends in `.name`.
 *  @throws {TrustError} MALFORMED: not a host name */
export function hasHost(value: string): ArgumentTest {
  const suffix = value.startsWith('*.') ? value.slice(1) : undefined;
  if (!isHostName(suffix === undefined ? value : suffix.slice(1))) {
    throw malformed('`host` without a host name in lower case');
  }
  return ofString((argument, memo) => {
    const host = normalUrlIn(argument, memo)?.host;
    if (host === undefined || suffix === undefined) return host === value;
    return host.length > suffix.length && host.endsWith(suffix);
  });
}

/** `url`: a normal URL of the same scheme, host and port, its path equal or below, its host not private.
 *  @throws {TrustError} MALFORMED: no such URL, or one with user info, a query, a fragment or a last `/` in its path */
export function isBelowUrl(value: string): ArgumentTest {
  const base = readUrl(value);
  const isPlain = base !== undefined && !base.suffix && (!base.slash || base.segments.length === 0);
  if (!isPlain)
    throw malformed('`url` without a URL, or one with user info, a query, a fragment or a last /');
  const isPublic = !isPrivateHost(base.host);
  return ofString((argument, memo) => {
    const url = isPublic ? normalUrlIn(argument, memo) : undefined;
    return url !== undefined && isBelow(url, base);
  });
}

function isBelow(url: NormalUrl, base: NormalUrl): boolean {
  if (url.scheme !== base.scheme || url.authority !== base.authority) return false;
  return base.segments.every((segment, index) => segment === url.segments[index]);
}
