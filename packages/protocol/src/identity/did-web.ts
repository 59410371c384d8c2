import { isHostName } from '../capability/url.js';
import { malformed } from '../error.js';

const PREFIX = 'did:web:';
const MAX_DID = 1024;
const MAX_HOST = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PORT = /^[1-9][0-9]{0,4}$/;
const SEGMENT = /^[A-Za-z0-9._-]+$/;

/** The URL a `did:web` stands for (did:web method, section 3.2): `did:web:example.com%3A8443:user:alice` is
 *  `https://example.com:8443/user/alice/did.json`, without a path it is `/.well-known/did.json`.
 *  Stricter than the method, so that each URL has one DID and none leads astray: the host is a lower-case DNS name
 *  of at least two labels and no IP address in any notation, the port is not 443, path segments hold no escapes
 *  and no dots alone. Says nothing of what the name resolves to: whoever fetches refuses private addresses.
 *  @throws {TrustError} MALFORMED */
export function didWebUrl(did: string): string {
  if (!did.startsWith(PREFIX) || did.length > MAX_DID) throw malformed('a DID that is not a did:web');
  const [authority = '', ...segments] = did.slice(PREFIX.length).split(':');
  const path = segments.length === 0 ? '.well-known' : segments.map(parseSegment).join('/');
  return `https://${parseAuthority(authority)}/${path}/did.json`;
}

/** Host and port of a DID's first segment, as a URL writes them: a lower-case DNS name of at least two labels, and
 *  after `%3A` a port other than 443.
 *  @throws {TrustError} MALFORMED */
export function parseAuthority(authority: string): string {
  const [host = '', port, ...rest] = authority.split('%3A');
  if (rest.length > 0 || !isHost(host)) throw malformed('a DID whose host is not a DNS name');
  if (port === undefined) return host;
  if (!PORT.test(port) || Number(port) > 65_535 || port === '443') throw malformed('a DID with a bad port');
  return `${host}:${port}`;
}

/** A name whose last label starts with a digit could be read as an IPv4 address (WHATWG URL, ends-in-a-number). */
function isHost(host: string): boolean {
  const labels = host.split('.');
  const last = labels.at(-1) as string;
  if (host.length > MAX_HOST || labels.length < 2 || !labels.every(isLabel) || /^[0-9]/.test(last))
    return false;
  // Not every label in Punycode stands for a name: no URL can hold the others.
  return !host.includes('xn--') || isHostName(host);
}

function isLabel(label: string): boolean {
  return LABEL.test(label);
}

function parseSegment(segment: string): string {
  if (!SEGMENT.test(segment) || segment === '.' || segment === '..') {
    throw malformed('a did:web with a bad path segment');
  }
  return segment;
}
