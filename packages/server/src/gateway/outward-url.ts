import { TrustError } from '@talosprotocol/protocol';
import { isOutwardHost } from '../platform/outward-address.js';

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** An address of the policy to which keys and contents go: without query, and neither where others can read along nor where a
 *  machine is told its own keys. Where its name leads to is looked at when a connection is made (`createOutwardLookup`).
 *  @throws {TrustError} MALFORMED; `member` is where in the policy it stands */
export function outwardUrl(member: string, address: string, insecure = false): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '' || hasMore(url))
    throw new TrustError('MALFORMED', `${member} is not an address without query`);
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && !insecure)
    throw new TrustError('MALFORMED', `${member} is http: others could read the key`, {
      hint: 'use https, or say insecure: true for a network that is yours alone',
    });
  if (!isOutwardHost(url.hostname))
    throw new TrustError('MALFORMED', `${member} leads to an address that nothing is sent to`, {
      hint: 'link-local, unspecified and multicast addresses and metadata services are none of a service',
    });
  return url.href.replace(/\/+$/, '');
}

/** A password may stand there without a name. */
const hasMore = ({ protocol, username, password }: URL): boolean =>
  !/^https?:$/.test(protocol) || `${username}${password}` !== '';
