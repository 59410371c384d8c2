import { isPrivateHost } from '@talosprotocol/protocol';
import { isOutwardHost } from '../../platform/outward-address.js';
import { notPassed } from './members.js';

/** What readers of addresses leave out, or read as something else each. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNCLEAR = /[\u0000-\u001f\u007f\\]/;

/** An address that a provider is told to load from: by https, and neither with a password nor of a machine in the network of the provider.
 *  Where its name leads to is the provider's affair. What else there is could be a file of its own.
 *  @throws {TrustError} POLICY_DENIED */
export function assertAddress(address: string, where: string, only: string): URL {
  if (!/^https:\/\//i.test(address)) throw notPassed(where, only);
  if (UNCLEAR.test(address) || !URL.canParse(address))
    throw notPassed(where, 'it is no address that everybody reads alike');
  const url = new URL(address);
  if (url.username !== '' || url.password !== '')
    throw notPassed(where, 'an address with a name or a password would tell them to the provider');
  const host = url.hostname.replace(/\.$/, '');
  if (isPrivateHost(host) || !isOutwardHost(host))
    throw notPassed(where, 'it is in a network that is not public');
  return url;
}
