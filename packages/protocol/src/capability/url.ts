import { utf8Length } from '../encoding/utf8.js';

// The WHATWG URL parser exists in every runtime, but not in the `es2023` library this package is compiled against.
declare const URL: {
  new (
    text: string,
  ): {
    readonly href: string;
    readonly protocol: string;
    readonly username: string;
    readonly password: string;
    readonly hostname: string;
    readonly host: string;
    readonly port: string;
    readonly pathname: string;
    readonly search: string;
    readonly hash: string;
  };
};

/** A URL that every parser reads the same way (CAP-17). */
export interface NormalUrl {
  /** `http`, `https`, `ws` or `wss`. */
  readonly scheme: string;
  /** Lower case, ASCII; IPv6 in brackets. */
  readonly host: string;
  /** `host`, or `host:port` where the port is not the scheme's own. */
  readonly authority: string;
  /** Decoded; none for `/`. A last `/` is in `slash`. */
  readonly segments: readonly string[];
  readonly slash: boolean;
  /** A query or a fragment is there, if only its `?` or `#`. */
  readonly suffix: boolean;
}

const MAX_BYTES = 4096;
const SCHEME = /^(https?|wss?):\/\/([^/?#@\\]+)/;
const OUTSIDE = /[^\x21-\x7e]|\\/;
const UNSAFE_SEGMENT = /[/\\\p{Cc}]/u;

/** Reads a normal URL: the WHATWG parser accepts it and writes it back unchanged (a path of `/` may be left out),
 *  so that spellings on which parsers differ (`http:\\a@b`, `http://0x7f.1`, tabs, `..`) are refused, not
 *  repaired. No user info. Path segments decode to NFC text without `/`, `\` and control characters.
 *  Undefined for anything else. */
export function normalUrl(text: string): NormalUrl | undefined {
  if (text.length > MAX_BYTES || OUTSIDE.test(text)) return undefined;
  const start = SCHEME.exec(text);
  const url = start === null ? undefined : parse(text);
  if (start === null || url === undefined) return undefined;
  const [origin, scheme, authority] = start as unknown as [string, string, string];
  const rest = text.slice(origin.length);
  const full = rest.startsWith('/') ? text : `${origin}/${rest}`;
  if (url.href !== full || url.host !== authority) return undefined;
  const slash = url.pathname.endsWith('/');
  const path = url.pathname.slice(1, slash ? -1 : undefined);
  const segments = url.pathname === '/' ? [] : decodeSegments(path.split('/'));
  if (segments === undefined) return undefined;
  return { scheme, host: url.hostname, authority, segments, slash, suffix: /[?#]/.test(text) };
}

/** True for a host name as URLs hold it: lower case, ASCII, and no address. */
export function isHostName(text: string): boolean {
  const url = /^[a-z0-9._-]+$/.test(text) ? parse(`https://${text}/`) : undefined;
  return url !== undefined && url.hostname === text && !/^[\d.]+$/.test(text) && utf8Length(text) <= 253;
}

function parse(text: string): InstanceType<typeof URL> | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function decodeSegments(encoded: readonly string[]): readonly string[] | undefined {
  const segments = encoded.map(decodeSegment);
  return segments.every((segment) => segment !== undefined) ? segments : undefined;
}

function decodeSegment(encoded: string): string | undefined {
  try {
    const segment = decodeURIComponent(encoded);
    const isSafe = segment !== '' && segment !== '.' && segment !== '..' && !UNSAFE_SEGMENT.test(segment);
    return isSafe && segment.normalize('NFC') === segment ? segment : undefined;
  } catch {
    return undefined;
  }
}
