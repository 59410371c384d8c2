import { malformed } from '../error.js';
import { isProofAuthorization } from './proof-authorization.js';

/** The headers a request's MAC covers, in the order of its lines (SES-6): admission reads no other. */
export const SIGNED_HEADERS = [
  'content-type',
  'mcp-protocol-version',
  'mcp-session-id',
  'mcp-method',
  'mcp-name',
  'last-event-id',
] as const;

/** The name of a header that a MAC covers. */
export type SignedHeaderName = (typeof SIGNED_HEADERS)[number];

/** Values of the covered headers that a request has, without white space around them. */
export type SignedHeaders = Readonly<Partial<Record<SignedHeaderName, string>>>;

/** What admission reads of a request's headers. */
export interface RequestHeaders {
  readonly signed: SignedHeaders;
  /** The one credential header of the request. */
  readonly credential?: { readonly name: string; readonly value: string };
  /** The chain of `Talos-Capability`: the rest of the request proves possession of its leaf's key (SES-13, SES-15). */
  readonly capability?: string;
}

const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']);
const COVERED: ReadonlySet<string> = new Set(SIGNED_HEADERS);
/** What a proof or a signature of one request is made of. */
const PROVING: ReadonlySet<string> = new Set([
  'talos-capability',
  'talos-rid',
  'content-digest',
  'signature-input',
  'signature',
]);
const REFUSED: ReadonlySet<string> = new Set([
  'content-encoding',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
]);
const VISIBLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Reads the headers of a request as they came, name and value in turn (`rawHeaders` of Node; not a map, in which
 *  a repeated header would no longer be seen).
 *  @throws {TrustError} MALFORMED: SES-7, that is a covered header twice, empty, or with bytes that are not
 *  visible ASCII, two credentials, a content encoding, a method override */
export function readRequestHeaders(rawHeaders: readonly string[]): RequestHeaders {
  const once = new Map<string, string>();
  const credentials: { readonly name: string; readonly value: string }[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    const value = rawHeaders[i + 1] as string;
    if (REFUSED.has(name)) throw malformed(`a request with the header ${name}`);
    if (CREDENTIALS.has(name)) credentials.push({ name, value: trimWhiteSpace(value) });
    if (COVERED.has(name) || PROVING.has(name)) {
      if (once.has(name)) throw malformed(`a request with the header ${name} twice`);
      once.set(name, parseHeaderValue(name, value));
    }
  }
  if (credentials.length > 1) throw malformed('a request with two credentials');
  const [credential] = credentials;
  const capability = once.get('talos-capability');
  return {
    signed: Object.fromEntries([...once].filter(([name]) => COVERED.has(name))),
    ...(credential === undefined ? {} : { credential }),
    ...(capability === undefined ? {} : { capability: provenBy(credential, capability) }),
  };
}

/** A chain that is named beside a credential of another kind would be a second one. */
function provenBy(credential: RequestHeaders['credential'], capability: string): string {
  if (credential === undefined || isProofAuthorization(credential.value)) return capability;
  throw malformed('a request with talos-capability and another credential');
}

function parseHeaderValue(name: string, value: string): string {
  const trimmed = trimWhiteSpace(value);
  if (!VISIBLE.test(trimmed)) throw malformed(`a header ${name} that is empty or not visible ASCII`);
  return trimmed;
}

/** Optional white space is spaces and tabs (RFC 9110 section 5.6.3); `trim` would take more. Written as a scan: a
 *  pattern for the end of a long run of spaces takes quadratic time. */
function trimWhiteSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
