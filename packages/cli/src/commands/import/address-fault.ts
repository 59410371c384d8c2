import { isLoopback } from '../../platform.js';
import { isVariable } from './key-part.js';

/** Why calls cannot go to an address; undefined if they can. It repeats nothing of it. */
export function addressFault(base: string): string | undefined {
  if (base === '') return 'has no api_base, and no address is known';
  if (isVariable(base)) return 'its api_base is in a variable: write it into the file';
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'its api_base is no http or https address';
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '')
    return 'its api_base has a user, a password, a query or a fragment: such an address is no provider here';
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return 'its api_base is http to another machine, where others could read along: use https, or write it into talos.yaml with insecure: true if the network is yours alone';
  return undefined;
}
