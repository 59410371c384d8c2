import { Resolver } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPrivateAddress, parseAddress, TrustError } from '@talosprotocol/protocol';

/** Gets a DID document (ID-2). Rejects for every answer that is not one, whatever the reason. */
export type DidFetch = (url: string) => Promise<Uint8Array>;

export interface DidFetchOptions {
  /** All addresses of a host name; by default what DNS says. */
  readonly addressesOf?: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** Milliseconds for everything together, default 5,000. */
  readonly timeoutMs?: number;
  /** For tests only: lets addresses of 127/8 pass, and trusts this certificate (PEM) instead of the usual ones. */
  readonly loopback?: { readonly ca: string };
}

const MAX_BYTES = 65_536;
const MAX_UNDER_WAY = 8;
const MAX_ADDRESSES = 32;
const MEDIA_TYPE = /^application\/(?:did\+json|did\+ld\+json|json)(?:[ \t]*;[ \t]*charset="?utf-8"?)?$/i;

/** Makes the fetch of DID documents: HTTPS only, without credentials and redirects, at most 64 KiB, 5 s and 8 at a
 *  time. The name is looked up here, once; if any of its addresses is not public nothing is connected to, and the
 *  connection is made to the addresses that were checked, so that DNS cannot answer differently a second time. */
export function createDidFetch(options: DidFetchOptions = {}): DidFetch {
  let underWay = 0;
  return async (url) => {
    if (underWay >= MAX_UNDER_WAY) throw refused('too many DID documents are being fetched');
    underWay++;
    try {
      return await fetchDocument(parseUrl(url), options);
    } finally {
      underWay--;
    }
  };
}

function parseUrl(text: string): URL {
  const url = new URL(text);
  const { protocol, username, password, hostname, search, hash } = url;
  if (protocol !== 'https:') throw refused('a URL that is not https');
  if (`${username}${password}${search}${hash}` !== '') throw refused('a URL with more than host and path');
  if (isIP(hostname) !== 0 || hostname.startsWith('[')) throw refused('a URL with an address for a host');
  return url;
}

async function fetchDocument(url: URL, options: DidFetchOptions): Promise<Uint8Array> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 5_000);
  const addresses = await publicAddresses(url.hostname, deadline, options);
  const response = await connect(url, {
    signal: deadline,
    lookup: pinnedTo(addresses),
    ...(options.loopback === undefined ? {} : { ca: options.loopback.ca }),
  });
  try {
    checkHead(response);
    return await readBody(response);
  } finally {
    response.destroy();
  }
}

/** Every address of the host; none may be private, or the name is refused as a whole. */
async function publicAddresses(
  host: string,
  deadline: AbortSignal,
  { addressesOf = lookUp, loopback }: DidFetchOptions,
): Promise<readonly string[]> {
  const found = await beforeEnd(addressesOf(host, deadline), deadline);
  if (found.length === 0 || found.length > MAX_ADDRESSES)
    throw refused('a host with no or too many addresses');
  if (!found.every((address) => isReachable(address, loopback !== undefined))) {
    throw refused('a host with an address that is not public');
  }
  return found;
}

function isReachable(text: string, allowLoopback: boolean): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  return !isPrivateAddress(address) || (allowLoopback && address.length === 4 && address[0] === 127);
}

/** Asks DNS itself: neither a hosts file nor the search list of this machine changes what a name means. */
async function lookUp(host: string, signal: AbortSignal): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** Answers every question of the connection with the addresses that were checked. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const answer = addresses.map((address) => ({ address, family: isIP(address) }));
  const [first = { address: '', family: 0 }] = answer;
  return (_, { all }, callback) => {
    if (all === true) callback(null, answer);
    else callback(null, first.address, first.family);
  };
}

function connect(
  url: URL,
  options: Pick<RequestOptions, 'signal' | 'lookup' | 'ca'>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      ...options,
      method: 'GET',
      headers: {
        accept: 'application/did+json, application/did+ld+json, application/json',
        'accept-encoding': 'identity',
      },
      // A connection of its own, whatever the environment says of certificates.
      agent: false,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      maxHeaderSize: 16_384,
    });
    outgoing.once('response', resolve).once('error', reject).end();
  });
}

/** Anything but 200 is refused, a redirect too: it would lead to where nothing was checked. */
function checkHead({ statusCode, headers }: IncomingMessage): void {
  if (statusCode !== 200) throw refused(`an answer with status ${statusCode}`);
  if (!MEDIA_TYPE.test(headers['content-type'] ?? '')) throw refused('an answer of another content type');
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw refused('an answer that is compressed');
  if (Number(headers['content-length'] ?? 0) > MAX_BYTES) throw tooLarge();
}

/** A body that breaks off rejects, as does the deadline, which destroys the request. */
async function readBody(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** The promise's result, or the signal's reason if it comes first. */
function beforeEnd<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', give, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}

function tooLarge(): TrustError {
  return refused('an answer over 64 KiB');
}

function refused(reason: string): TrustError {
  return new TrustError('UNAVAILABLE', reason);
}
