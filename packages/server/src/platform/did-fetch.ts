import { lookup, Resolver } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import {
  type AddressBytes,
  type DidResource,
  type FetchDid,
  isInBlock,
  isPrivateAddress,
  parseAddress,
  TrustError,
} from '@talosprotocol/protocol';

export interface DidFetchOptions {
  /** All addresses of a host name; by default what DNS says. */
  readonly addressesOf?: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** Milliseconds for everything together, default 5,000. */
  readonly timeoutMs?: number;
  /** True for a host that the operator allowed to have private addresses (`didPrivateHosts` of the policy); by default
   *  none. Those of the link (cloud metadata), multicast and embedded ones are refused all the same. */
  readonly allowPrivate?: (host: string) => boolean;
  /** For tests only: lets addresses of 127/8 pass, and trusts this certificate (PEM) instead of the usual ones. */
  readonly loopback?: { readonly ca: string };
}

const MAX_UNDER_WAY = 8;
const MAX_ADDRESSES = 32;

/** What an answer may be. */
interface Kind {
  readonly maxBytes: number;
  readonly accept: string;
  readonly mediaType: RegExp;
}

const JSON_TYPES = 'application/did+json, application/did+ld+json, application/json';
const JSON_TYPE = /^application\/(?:did\+json|did\+ld\+json|json)(?:[ \t]*;[ \t]*charset="?utf-8"?)?$/i;
/** The standard's type, those that hosts of static files give to `.jsonl`, and plain text. */
const LINES_TYPE =
  /^(?:text\/(?:jsonl|plain)|application\/(?:jsonl|x-ndjson|json|json-lines|jsonlines|octet-stream))(?:[ \t]*;[ \t]*charset="?utf-8"?)?$/i;

const KINDS: Readonly<Record<DidResource, Kind>> = {
  document: { maxBytes: 65_536, accept: JSON_TYPES, mediaType: JSON_TYPE },
  log: {
    maxBytes: 1_048_576,
    accept: 'text/jsonl, application/jsonl;q=0.9, */*;q=0.1',
    mediaType: LINES_TYPE,
  },
  witness: { maxBytes: 524_288, accept: 'application/json', mediaType: JSON_TYPE },
};

/** Makes the fetch of DID documents (ID-2) and of the files of a `did:webvh` (ID-11): HTTPS only, without credentials
 *  and redirects, bounded in size (64 KiB a document, 1 MiB a log, 512 KiB witness proofs), 5 s and 8 at a time. No proxy
 *  of the environment is used. Rejects for every other answer, whatever the reason. The name is looked up here, once; if any of its addresses is not public nothing is connected to, and the
 *  connection is made to the addresses that were checked, so that DNS cannot answer differently a second time. */
export function createDidFetch(options: DidFetchOptions = {}): FetchDid {
  let underWay = 0;
  return async (url, resource) => {
    if (underWay >= MAX_UNDER_WAY) throw refused('too many DID documents are being fetched');
    underWay++;
    try {
      return await fetchResource(parseUrl(url), KINDS[resource], options);
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

async function fetchResource(url: URL, kind: Kind, options: DidFetchOptions): Promise<Uint8Array> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 5_000);
  const addresses = await publicAddresses(url.hostname, deadline, options);
  const response = await connect(url, {
    accept: kind.accept,
    signal: deadline,
    lookup: pinnedTo(addresses),
    ...(options.loopback === undefined ? {} : { ca: options.loopback.ca }),
  });
  try {
    checkHead(response, kind);
    return await readBody(response, kind);
  } finally {
    response.destroy();
  }
}

/** Every address of the host; none may be private, or the name is refused as a whole. */
async function publicAddresses(
  host: string,
  deadline: AbortSignal,
  { loopback, allowPrivate, ...options }: DidFetchOptions,
): Promise<readonly string[]> {
  const isPrivate = allowPrivate?.(host) === true;
  const { addressesOf = isPrivate ? lookUpHere : lookUp } = options;
  const found = await beforeEnd(addressesOf(host, deadline), deadline);
  if (found.length === 0 || found.length > MAX_ADDRESSES)
    throw refused('a host with no or too many addresses');
  const allowed = { loopback: loopback !== undefined, private: isPrivate };
  if (!found.every((address) => isReachable(address, allowed))) {
    throw refused('a host with an address that is not public');
  }
  return found;
}

function isReachable(
  text: string,
  allowed: { readonly loopback: boolean; readonly private: boolean },
): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  if (!isPrivateAddress(address)) return true;
  if (allowed.loopback && address.length === 4 && address[0] === 127) return true;
  return allowed.private && isSiteAddress(address);
}

/** Networks an operator runs: RFC 1918, RFC 6598, RFC 4193, and this machine. */
const SITE: readonly (readonly [AddressBytes, number])[] = [
  [[10, 0, 0, 0], 8],
  [[172, 16, 0, 0], 12],
  [[192, 168, 0, 0], 16],
  [[100, 64, 0, 0], 10],
  [[127, 0, 0, 0], 8],
  [[0xfc, ...Array<number>(15).fill(0)], 7],
  [[...Array<number>(15).fill(0), 1], 128],
];

function isSiteAddress(address: AddressBytes): boolean {
  return SITE.some(([block, bits]) => isInBlock(address, block, bits));
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

/** Asks as every program of this machine does: names of a private network often stand in its hosts file only. */
async function lookUpHere(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
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
  { accept, ...options }: Pick<RequestOptions, 'signal' | 'lookup' | 'ca'> & { readonly accept: string },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      ...options,
      method: 'GET',
      headers: { accept, 'accept-encoding': 'identity' },
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
function checkHead({ statusCode, headers }: IncomingMessage, { mediaType, maxBytes }: Kind): void {
  if (statusCode !== 200) throw refused(`an answer with status ${statusCode}`);
  if (!mediaType.test(headers['content-type'] ?? '')) throw refused('an answer of another content type');
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw refused('an answer that is compressed');
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** A body that breaks off rejects, as does the deadline, which destroys the request. */
async function readBody(response: IncomingMessage, { maxBytes }: Kind): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
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

function tooLarge(maxBytes: number): TrustError {
  return refused(`an answer over ${maxBytes / 1024} KiB`);
}

function refused(reason: string): TrustError {
  return new TrustError('UNAVAILABLE', reason);
}
