import type { LookupFunction } from 'node:net';
import type { CustomFetch } from 'openid-client';
import { Agent, fetch, type RequestInit } from 'undici';
import { createOutwardLookup, isOutwardHost } from '../../platform/outward-address.js';

/** Why a provider is not called at an address: there is none, but maybe what tells a machine its own keys. */
export const NOWHERE = 'the OpenID provider leads to an address that nothing is sent to';

const MAX_ANSWER = 256 * 1024;

/** Calls OpenID providers, wherever their documents say that they are: by no spelling and no name where a machine is told its own
 *  keys. No redirect is followed, and no endless answer read. */
export function createOutwardFetch(lookup: LookupFunction = createOutwardLookup()): CustomFetch {
  // It holds connections of calls under way alone: logins are rare.
  const dispatcher = new Agent({ connect: { lookup }, pipelining: 0 });
  return async (url, options) => {
    // What is written as an address is not looked up.
    if (!isOutwardHost(new URL(url).hostname)) throw new TypeError(NOWHERE);
    const init = { ...options, redirect: 'manual', dispatcher } as RequestInit;
    const response = await fetch(url, init);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += (chunk as Uint8Array).length;
      if (size > MAX_ANSWER) throw new TypeError('the answer of the OpenID provider is too long');
      chunks.push(chunk as Uint8Array);
    }
    const { status, headers } = response;
    const answered = new Headers([...headers]);
    return new Response(size === 0 ? null : Buffer.concat(chunks), { status, headers: answered });
  };
}
