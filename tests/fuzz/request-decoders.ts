import {
  decodeBase64url,
  formatFieldDictionary,
  formatFieldItem,
  formatFieldList,
  formatTalosAuthorization,
  isTrustError,
  parseContentDigest,
  parseFieldDictionary,
  parseFieldItem,
  parseFieldList,
  parseMessageSignatures,
  parsePossession,
  parseProofAuthorization,
  parseTalosAuthorization,
  readRequestHeaders,
} from '@talosprotocol/protocol';
import { createHeaderReader } from '../../packages/protocol/src/session/header-reader.js';
import { readAdminCredential } from '../../packages/server/src/kernel/rbac/credential.js';
import { formatNodeProof, parseNodeProof } from '../../packages/server/src/platform/cluster/node-proof.js';
import { type Decoder, members, same, text, vectors } from './decoder.js';

const reader = createHeaderReader();

/** The reader of the fast path and the parser of the full one read the same headers, and the same out of them. */
function readAuthorization(input: string): string | undefined {
  const read = reader.read(input);
  try {
    const parsed = parseTalosAuthorization(input);
    const sid = decodeBase64url(parsed.sid.slice(4));
    if (!read) return 'is refused by the fast reader only';
    if (reader.seq !== parsed.seq || Buffer.compare(reader.mac, parsed.mac) !== 0)
      return 'is read in two ways';
    const first = new DataView(sid.buffer, sid.byteOffset).getUint32(0);
    return reader.sid[0] === first ? same(formatTalosAuthorization(parsed), input) : 'has two session ids';
  } catch (error) {
    if (read && isTrustError(error)) return 'is accepted by the fast reader only';
    throw error;
  }
}

/** Headers as lines of `name: value`. */
function headersOf(input: string): string[] {
  return input.split('\n').flatMap((line) => {
    const colon = line.indexOf(':', 1);
    return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
  });
}

const linesOf = (raw: readonly string[]): string =>
  raw.reduce(
    (lines, value, at) => (at % 2 === 0 ? `${lines}${at > 0 ? '\n' : ''}${value}:` : lines + value),
    '',
  );
const raws = (name: string): string[] =>
  vectors(name)
    .map(({ raw }) => raw)
    .filter((raw): raw is string[] => Array.isArray(raw))
    .map(linesOf);

const INPUT =
  'sig=("@method" "@target-uri" "content-digest");created=1;expires=2;nonce="n";keyid="k";tag="talos-pop"';
const SIGNATURE = `sig=:${'A'.repeat(86)}==:`;
const DIGEST = `sha-256=:${'A'.repeat(43)}=:`;

export const REQUESTS: readonly Decoder[] = [
  text('session authorization', members('mac', 'authorization'), readAuthorization),
  text('proof authorization', ['Talos-PoP a.b.c', 'Talos-PoP eyJhbGciOiJFZERTQSJ9.e30.AAAA'], (input) =>
    same(`Talos-PoP ${parseProofAuthorization(input)}`, input),
  ),
  text('headers of a request', raws('headers'), (input) => {
    const { signed, credential } = readRequestHeaders(headersOf(input));
    for (const value of Object.values(signed)) if (!/^[ -~]+$/.test(value)) return 'is not visible ASCII';
    return credential === undefined || input.includes(credential.value)
      ? undefined
      : 'has another credential';
  }),
  text(
    'administrator credential',
    ['authorization:Bearer abc\ncookie:talos=x', 'cookie:a=b; talos=c; talos=d'],
    (input) => {
      const headers = Object.fromEntries(
        headersOf(input).flatMap((value, at, all) =>
          at % 2 === 0 ? [[value.toLowerCase(), all[at + 1]]] : [],
        ),
      );
      const { text: credential } = readAdminCredential({ headers } as never, 'talos');
      return credential.length <= 8192 ? undefined : 'is long';
    },
  ),
  text('message signatures', [`${INPUT}\n${SIGNATURE}`, ...raws('message-signature')], (input) => {
    const [fields = '', signature = ''] = input.split('\n', 2);
    return parseMessageSignatures(fields, signature).length <= 4 ? undefined : 'are too many';
  }),
  text('possession', raws('message-signature'), (input) => {
    const { parameters } = parsePossession(headersOf(input)).signature;
    return Number.isSafeInteger(parameters.created) && parameters.tag === 'talos-pop' ? undefined : 'is none';
  }),
  text('content digest', [DIGEST, `${DIGEST}, sha-512=:${'A'.repeat(86)}==:`], (input) => {
    parseContentDigest(input);
    return undefined;
  }),
  text(
    'structured dictionary',
    [INPUT, SIGNATURE, 'a=1, b;x=?0, c=("a" b);y=1.5', 'd=@1659578233, e=%"f%c3%bc"'],
    (input) => {
      const written = formatFieldDictionary(parseFieldDictionary(input));
      return same(formatFieldDictionary(parseFieldDictionary(written)), written);
    },
  ),
  text(
    'structured list',
    ['a, "b";q=1, (1 2.5);x, :YQ==:', '1, -999999999999999, 999999999999.999', '?1, *a/b'],
    (input) => {
      const written = formatFieldList(parseFieldList(input));
      return same(formatFieldList(parseFieldList(written)), written);
    },
  ),
  text('structured item', ['1', '"a\\"b"', 'a;b=c', ':YWJj:', '@-1', '1.250'], (input) => {
    const written = formatFieldItem(parseFieldItem(input));
    return same(formatFieldItem(parseFieldItem(written)), written);
  }),
  text(
    'proof of a node',
    [`from=1.2, to=3.4, seq=5, time=1800000000, body=${'a'.repeat(64)}, mac=${'A'.repeat(43)}`],
    (input) => same(formatNodeProof(parseNodeProof(input)), input),
  ),
];
