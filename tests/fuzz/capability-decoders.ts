import { type Constraint, Constraint as ConstraintSchema, createChecker } from '@talosprotocol/contracts';
import {
  decodeUtf8,
  encodeBase64url,
  isPrivateHost,
  itemsOfCall,
  type JsonObject,
  type JsonValue,
  normalPath,
  normalUrl,
  parseAddress,
  parseBearerKey,
  parseChain,
  parseJsonObject,
  parseJws,
  parseManifest,
  parsePointer,
  parseScope,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { compileConstraint } from '../../packages/protocol/src/capability/where/constraint.js';
import { type Decoder, jws, members, same, text, vectors } from './decoder.js';

const crypto = createNodeCrypto();
const TYP = 'talos-cap+jwt';
const checkConstraint = createChecker(ConstraintSchema);

function readJws(input: string): string | undefined {
  const parsed = parseJws(input, TYP);
  return same(`${decodeUtf8(parsed.signingInput)}.${encodeBase64url(parsed.signature)}`, input);
}

function readChain(input: string): string | undefined {
  const { links, root, leaf } = parseChain(input, crypto);
  if (root !== links[0] || leaf !== links.at(-1) || links.length > 8) return 'has other links';
  return same(links.map((link) => link.jws).join('~'), input);
}

function readBearer(input: string): string | undefined {
  const { chain, createSigner } = parseBearerKey(input, crypto);
  if (!createSigner().did.startsWith('did:key:z6Mk')) return 'has no key';
  return same(`talos_${chain.chain}~${input.slice(-43)}`, input);
}

/** A constraint and arguments, in one text: the test is total. */
function readConstraint(input: string): string | undefined {
  const { constraint, arguments: args } = parseJsonObject(input, { floats: true }) as Record<
    string,
    JsonValue
  >;
  if (checkConstraint(constraint) !== undefined || typeof args !== 'object' || args === null)
    return 'refused';
  const compiled = compileConstraint(constraint as unknown as Constraint, crypto);
  if (compiled.caveat.length > 4096) return `a caveat of ${compiled.caveat.length} characters`;
  return typeof compiled.holds(args as JsonObject) === 'boolean' ? undefined : 'neither holds nor not';
}

function readItems(input: string): string | undefined {
  const { manifest, arguments: args } = parseJsonObject(input, { floats: true }) as Record<string, JsonValue>;
  if (typeof args !== 'object' || args === null) return 'refused';
  const parsed = parseManifest(manifest as never);
  const items = itemsOfCall({
    server: 'fs',
    tool: 't',
    manifest: parsed,
    arguments: args as JsonObject,
  } as never);
  for (const { scope } of items) parseScope(scope, 'item');
  return undefined;
}

function readUrl(input: string): string | undefined {
  const url = normalUrl(input);
  if (url === undefined) return 'refused';
  isPrivateHost(url.host);
  // What another reader would make of it must not be another host.
  const other = new URL(input);
  if (other.hostname !== url.host) return `the host ${url.host}, and ${other.hostname} to others`;
  return other.username === '' && other.password === '' ? undefined : 'has credentials';
}

function readAddress(input: string): string | undefined {
  const address = parseAddress(input);
  isPrivateHost(input);
  if (address === undefined) return 'refused';
  const isBytes = address.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  return isBytes && (address.length === 4 || address.length === 16) ? undefined : 'is no address';
}

function readPath(input: string): string | undefined {
  const segments = normalPath(input);
  if (segments === undefined) return 'refused';
  const isPlain = segments.every(
    (name) => name !== '.' && name !== '..' && !/[/\\\0]/.test(name) && name !== '',
  );
  return isPlain || input === '/' ? same(`/${segments.join('/')}`, input) : 'is not normal';
}

const chains = [...members('chain', 'chain'), ...members('authorize', 'chain')];
const constraints = vectors('constraint').map(({ constraint, arguments: args }) =>
  JSON.stringify({ constraint, arguments: args ?? {} }),
);
const calls = vectors('items').map(({ manifest, arguments: args }) =>
  JSON.stringify({ manifest, arguments: args ?? {} }),
);

export const CAPABILITIES: readonly Decoder[] = [
  jws('JWS', [...members('jws', 'jws'), ...chains.filter((chain) => !chain.includes('~'))], readJws),
  jws('chain', chains, readChain),
  jws('bearer key', members('bearer', 'key'), readBearer),
  text('scope of a grant', members('scope', 'scope'), (input) =>
    same(parseScope(input, 'grant').text, input),
  ),
  text('scope of an item', members('scope', 'scope'), (input) => same(parseScope(input, 'item').text, input)),
  text('pointer', ['', '/a', '/a/0/b~0~1', '/~1', '/é'], (input) => {
    const tokens = parsePointer(input).map(
      (token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    );
    return same(tokens.join(''), input);
  }),
  text('constraint', constraints, readConstraint),
  text('items of a call', calls, readItems),
  text(
    'URL',
    ['https://example.com/a?b#c', 'http://[2001:db8::1]:8080/', 'https://xn--bcher-kva.example/%C3%BC'],
    readUrl,
  ),
  text(
    'address',
    ['1.2.3.4', '::1', '2001:db8::ffff:1.2.3.4', 'fe80::1%eth0', '0x7f.1', 'localhost'],
    readAddress,
  ),
  text('path', ['/', '/a/b.txt', '/ü/文', '/a..b/...'], readPath),
];
