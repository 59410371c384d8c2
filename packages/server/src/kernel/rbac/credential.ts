import type { IncomingMessage } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';

/** How a caller of the admin surface shows who it is. */
export interface AdminCredential {
  readonly text: string;
  readonly how: 'header' | 'cookie';
}

/** Name of the cookie of a person's session: where browsers speak https with us, one that only we can set. */
export function sessionCookie(origin: string | undefined): string {
  return origin?.startsWith('http:') === true ? 'talos' : '__Host-talos';
}

const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/i;

/** The one credential of a request (RBAC-10). @throws {TrustError} UNAUTHENTICATED: none; MALFORMED: two */
export function readAdminCredential(request: IncomingMessage, cookieName: string): AdminCredential {
  const { authorization } = request.headers;
  const cookies = readCookies(request.headers.cookie, cookieName);
  if (cookies.length + (authorization === undefined ? 0 : 1) > 1)
    throw new TrustError('MALFORMED', 'more than one credential');
  const bearer = BEARER.exec(authorization ?? '')?.[1];
  if (bearer !== undefined) return { text: bearer, how: 'header' };
  const [cookie] = cookies;
  if (cookie !== undefined) return { text: cookie, how: 'cookie' };
  throw unauthenticated();
}

/** Every value a cookie of this name has: a second one may be somebody else's. */
export function readCookies(header: string | undefined, name: string): string[] {
  if (header === undefined || header.length > 8_192) return [];
  return header
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1));
}

/** The one refusal of every credential that does not count: it does not say why. */
export function unauthenticated(): TrustError {
  return new TrustError('UNAUTHENTICATED', 'the credential is missing or does not count', {
    hint: 'send Authorization: Bearer with the key of a service account, or log in again',
  });
}
