import { TrustError } from '@talosprotocol/protocol';

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** An address of the policy to which keys and contents go: without query, and not where others can read along.
 *  @throws {TrustError} MALFORMED; `member` is where in the policy it stands */
export function outwardUrl(member: string, address: string, insecure = false): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new TrustError('MALFORMED', `${member} is not an address without query`);
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && !insecure)
    throw new TrustError('MALFORMED', `${member} is http: others could read the key`, {
      hint: 'use https, or say insecure: true for a network that is yours alone',
    });
  return url.href.replace(/\/+$/, '');
}
