import { isNfc } from '../encoding/nfc.js';
import { readsAsDots } from './dots.js';

// The WHATWG URL parser exists in every runtime, but not in the `es2023` library this package is compiled against.
declare const URL: {
  new (
    text: string,
  ): {
    readonly href: string;
    readonly protocol: string;
    readonly hostname: string;
    readonly host: string;
    readonly pathname: string;
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
const START = /^(https?|wss?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?:0|[1-9]\d{0,4}))?(?=[/?#]|$)/i;
const OUTSIDE = /[^\x21-\x7e]|\\/;
const UNSAFE_SEGMENT = /[/\\\p{Cc}]/u;

/** Reads a normal URL: the WHATWG parser accepts it and writes it back unchanged, but for the case of scheme and
 *  host, the scheme's own port and a path of `/` left out. So spellings on which parsers differ (`http:\\a@b`,
 *  `http://0x7f.1`, tabs, `..`) are refused, not repaired. No user info. Path segments decode to NFC text without
 *  `/`, `\` and control characters, and no parser reads one as dots.
 *  Undefined for anything else. */
export function normalUrl(text: string): NormalUrl | undefined {
  if (text.length > MAX_BYTES || OUTSIDE.test(text)) return undefined;
  const start = START.exec(text);
  const url = start === null ? undefined : parse(text);
  if (start === null || url === undefined) return undefined;
  const [origin, scheme, host] = start as unknown as [string, string, string];
  if (host.toLowerCase() !== url.hostname) return undefined;
  const rest = text.slice(origin.length);
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  if (url.href !== `${url.protocol}//${url.host}${path}` || readsAsDots(url.pathname)) return undefined;
  const slash = url.pathname.endsWith('/');
  const trimmed = url.pathname.slice(1, slash ? -1 : undefined);
  const segments = url.pathname === '/' ? [] : decodeSegments(trimmed.split('/'));
  if (segments === undefined) return undefined;
  return {
    scheme: scheme.toLowerCase(),
    host: url.hostname,
    authority: url.host,
    segments,
    slash,
    suffix: /[?#]/.test(rest),
  };
}

/** As normalUrl, of what the WHATWG parser makes of `text`: for the words of an issuer, never for an argument. */
export function readUrl(text: string): NormalUrl | undefined {
  return normalUrl(parse(text)?.href ?? '');
}

/** True for a host name as URLs hold it: lower case, ASCII, and no address. */
export function isHostName(text: string): boolean {
  const url = /^[a-z0-9._-]+$/.test(text) ? parse(`https://${text}/`) : undefined;
  return url !== undefined && url.hostname === text && !/^[\d.]+$/.test(text) && text.length <= 253;
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
    const isSafe = segment !== '' && !UNSAFE_SEGMENT.test(segment);
    return isSafe && isNfc(segment) ? segment : undefined;
  } catch {
    return undefined;
  }
}
