import { describe, expect, it } from 'vitest';
import { parseWebvhDid, webvhLogUrl, webvhWitnessUrl } from './did.js';

const SCID = 'QmfGEUAcMpzo25kF2Rhn8L5FAXysfGnkzjwdKoNPi615XQ';
const at = (rest: string) => `did:webvh:${SCID}:${rest}`;

describe('a did:webvh (ID-8)', () => {
  it.each([
    ['example.com', 'https://example.com/.well-known'],
    ['issuer.example.com', 'https://issuer.example.com/.well-known'],
    ['example.com:dids:issuer', 'https://example.com/dids/issuer'],
    ['example.com%3A3000:dids:issuer', 'https://example.com:3000/dids/issuer'],
    ['example.com%3A3000', 'https://example.com:3000/.well-known'],
    ['xn--jp-cd2fp15c.xn--fsq.jp:%E7%94%A8', 'https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8'],
    ['example.com:a%20b', 'https://example.com/a%20b'],
    [`example.com:${SCID}`, `https://example.com/${SCID}`],
  ])('of %s lies at %s', (rest, folder) => {
    expect(webvhLogUrl(at(rest))).toBe(`${folder}/did.jsonl`);
    expect(webvhWitnessUrl(at(rest))).toBe(`${folder}/did-witness.json`);
    expect(parseWebvhDid(at(rest)).scid).toBe(SCID);
  });

  it.each([
    'did:web:example.com',
    'did:webvh:example.com',
    `did:webvh:${SCID}`,
    `did:webvh:${SCID.slice(1)}:example.com`,
    `did:webvh:${SCID}0:example.com`,
    `DID:webvh:${SCID}:example.com`,
    ...[
      '127.0.0.1',
      '127.0.0.1%3A8080',
      '127.0.0.1%3a8080',
      '127%2E0%2E0%2E1',
      '127%2e0%2e0%2e1',
      '169%2E254%2E169%2E254',
      '0x7f000001',
      '2130706433',
      '127.1',
      '%5B::1%5D',
      'localhost',
      'Example.com',
      'example.com.',
      'example.com%3A0',
      'example.com%3A443',
      'example.com%3A65536',
      'example.com%3A80%3A80',
      'example.com%2Fevil.example',
      'user%40example.com',
      'example.com:',
      'example.com::a',
      'example.com:.',
      'example.com:..',
      'example.com:%2E%2E',
      'example.com:%2e%2e',
      'example.com:a%2Fb',
      'example.com:a%5Cb',
      'example.com:%252E',
      'example.com:%00',
      'example.com:%7F',
      'example.com:%41',
      'example.com:%zz',
      'example.com:a/b',
      'example.com/a',
      'example.com#key-1',
      'example.com?versionId=1',
      'example.com:a\n',
      `example.com:${'a'.repeat(1000)}`,
    ].map(at),
  ])('refuses %j', (did) => {
    expect(() => webvhLogUrl(did)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });
});
