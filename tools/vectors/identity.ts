import { createNoun, type Noun } from './case.js';

export function didWebNoun(): Noun {
  const n = createNoun('did-web', 'did is a did:web; expect.url is where its document lies (ID-2).');
  const good: [string, string, string][] = [
    ['host', 'did:web:example.com', 'https://example.com/.well-known/did.json'],
    ['port', 'did:web:example.com%3A8443', 'https://example.com:8443/.well-known/did.json'],
    ['path', 'did:web:example.com:user:alice', 'https://example.com/user/alice/did.json'],
    ['port-path', 'did:web:a.b.example%3A1:x', 'https://a.b.example:1/x/did.json'],
    ['path-case', 'did:web:example.com:User:A.b_c-d', 'https://example.com/User/A.b_c-d/did.json'],
    ['three-dots', 'did:web:example.com:...', 'https://example.com/.../did.json'],
    ['punycode', 'did:web:xn--bcher-kva.example', 'https://xn--bcher-kva.example/.well-known/did.json'],
  ];
  for (const [id, did, url] of good) n.ok(id, 'ID-2', id, { did }, { url });
  const label = 'a'.repeat(63);
  const bad: [string, string][] = [
    ['empty', 'did:web:'],
    ['other-method', 'did:key:example.com'],
    ['method-case', 'did:WEB:example.com'],
    ['upper-case', 'did:web:Example.com'],
    ['one-label', 'did:web:localhost'],
    ['last-dot', 'did:web:example.com.'],
    ['first-dot', 'did:web:.example.com'],
    ['empty-label', 'did:web:example..com'],
    ['long-label', `did:web:${label}a.example`],
    ['long-host', `did:web:${`${label}.`.repeat(4)}example`],
    ['hyphen-first', 'did:web:-a.example'],
    ['hyphen-last', 'did:web:a-.example'],
    ['underscore', 'did:web:a_b.example'],
    ['ipv4', 'did:web:127.0.0.1'],
    ['ipv4-short', 'did:web:127.1'],
    ['ipv4-hex', 'did:web:127.0.0.0x1'],
    ['ipv4-octal', 'did:web:0177.0.0.01'],
    ['number', 'did:web:2130706433'],
    ['ipv6', 'did:web:%5B::1%5D'],
    ['user', 'did:web:user%40example.com'],
    ['user-raw', 'did:web:user@example.com'],
    ['slash', 'did:web:example.com/a'],
    ['query', 'did:web:example.com?a'],
    ['fragment', 'did:web:example.com#key'],
    ['space', 'did:web:example.com '],
    ['unicode', 'did:web:b\u00fccher.example'],
    ['port-empty', 'did:web:example.com%3A'],
    ['port-zero', 'did:web:example.com%3A0'],
    ['port-zeros', 'did:web:example.com%3A08443'],
    ['port-own', 'did:web:example.com%3A443'],
    ['port-large', 'did:web:example.com%3A65536'],
    ['port-twice', 'did:web:example.com%3A1%3A2'],
    ['port-small-hex', 'did:web:example.com%3a8443'],
    ['path-empty', 'did:web:example.com:'],
    ['path-empty-inside', 'did:web:example.com:a::b'],
    ['path-dot', 'did:web:example.com:.'],
    ['path-dots', 'did:web:example.com:a:..'],
    ['path-escaped-dots', 'did:web:example.com:%2E%2E'],
    ['path-escaped-slash', 'did:web:example.com:a%2Fb'],
    ['path-backslash', 'did:web:example.com:a\\b'],
    ['path-tilde', 'did:web:example.com:~a'],
    ['line-end', 'did:web:example.com\n'],
  ];
  for (const [id, did] of bad) n.no(id, 'ID-2', id, { did }, 'MALFORMED');
  return n.done();
}

const SCID = 'QmfGEUAcMpzo25kF2Rhn8L5FAXysfGnkzjwdKoNPi615XQ';

export function didWebvhNoun(): Noun {
  const n = createNoun('did-webvh', 'did is a did:webvh; expect.url is where its log lies (ID-8).');
  const at = (rest: string): string => `did:webvh:${SCID}:${rest}`;
  const good: [string, string, string][] = [
    ['host', 'example.com', 'https://example.com/.well-known'],
    ['port', 'example.com%3A3000', 'https://example.com:3000/.well-known'],
    ['path', 'example.com:dids:issuer', 'https://example.com/dids/issuer'],
    ['port-path', 'example.com%3A3000:dids:issuer', 'https://example.com:3000/dids/issuer'],
    ['escape', 'example.com:a%20b', 'https://example.com/a%20b'],
    ['escape-utf8', 'example.com:%E7%94%A8', 'https://example.com/%E7%94%A8'],
    ['punycode', 'xn--bcher-kva.example', 'https://xn--bcher-kva.example/.well-known'],
  ];
  for (const [id, rest, folder] of good)
    n.ok(id, 'ID-8', id, { did: at(rest) }, { url: `${folder}/did.jsonl` });
  const bad: [string, string][] = [
    ['no-scid', 'did:webvh:example.com'],
    ['no-host', `did:webvh:${SCID}`],
    ['short-scid', `did:webvh:${SCID.slice(0, -1)}:example.com`],
    ['alphabet', `did:webvh:${SCID.slice(0, -1)}0:example.com`],
    ['other-method', 'did:web:example.com'],
    ['ipv4', at('127.0.0.1')],
    ['ipv4-port', at('127.0.0.1%3A8080')],
    ['ipv4-port-small-hex', at('127.0.0.1%3a8080')],
    ['ipv4-escaped', at('127%2E0%2E0%2E1')],
    ['metadata-escaped', at('169%2E254%2E169%2E254')],
    ['ipv6', at('%5B::1%5D')],
    ['one-label', at('localhost')],
    ['upper-case', at('Example.com')],
    ['traversal', at('example.com:..')],
    ['traversal-escaped', at('example.com:%2E%2E')],
    ['traversal-small-hex', at('example.com:%2e%2e')],
    ['slash-escaped', at('example.com:a%2Fb')],
    ['percent-escaped', at('example.com:%252E')],
    ['fragment', at('example.com#key-1')],
    ['query', at('example.com?versionId=1')],
  ];
  for (const [id, did] of bad) n.no(id, 'ID-8', id, { did }, 'MALFORMED');
  return n.done();
}
