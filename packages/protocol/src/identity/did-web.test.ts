import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { didWebUrl } from './did-web.js';

describe('did:web', () => {
  // did:web method, section 3.2 and its examples
  it.each([
    ['did:web:w3c-ccg.github.io', 'https://w3c-ccg.github.io/.well-known/did.json'],
    ['did:web:w3c-ccg.github.io:user:alice', 'https://w3c-ccg.github.io/user/alice/did.json'],
    ['did:web:example.com%3A3000:user:alice', 'https://example.com:3000/user/alice/did.json'],
    ['did:web:example.com%3A65535', 'https://example.com:65535/.well-known/did.json'],
    ['did:web:xn--bcher-kva.example:A_b-c.d', 'https://xn--bcher-kva.example/A_b-c.d/did.json'],
    ['did:web:1.2.3.4.example.com', 'https://1.2.3.4.example.com/.well-known/did.json'],
  ])('%s lies at %s', (did, url) => {
    expect(didWebUrl(did)).toBe(url);
    expect(new URL(url).href).toBe(url);
  });

  it.each([
    'did:key:z6Mk',
    'did:web:',
    'did:web:localhost',
    'did:web:Example.com',
    'did:web:example.com.',
    'did:web:.example.com',
    'did:web:-a.example.com',
    'did:web:a-.example.com',
    'did:web:exa_mple.com',
    'did:web:bücher.example',
    `did:web:${'a'.repeat(64)}.com`,
    `did:web:${'a.'.repeat(127)}com`,
    'did:web:127.0.0.1',
    'did:web:127.1',
    'did:web:0x7f.0x1',
    'did:web:example.0x7f',
    'did:web:2130706433',
    'did:web:[::1]',
    'did:web:%5B%3A%3A1%5D',
    'did:web:user%40example.com',
    'did:web:user@example.com',
    'did:web:example.com%2Fevil',
    'did:web:example.com/evil',
    'did:web:example.com%3a3000',
    'did:web:example.com%3A',
    'did:web:example.com%3A0',
    'did:web:example.com%3A080',
    'did:web:example.com%3A443',
    'did:web:example.com%3A65536',
    'did:web:example.com%3A80%3A80',
    'did:web:example.com:',
    'did:web:example.com::a',
    'did:web:example.com:..',
    'did:web:example.com:.:a',
    'did:web:example.com:%2E%2E',
    'did:web:example.com:a%2Fb',
    'did:web:example.com:a/b',
    'did:web:example.com:a\\b',
    'did:web:example.com#key',
    'did:web:example.com?x=y',
    'did:web:example.com:a#key',
    'did:web:example.com\n',
    'did:web:xn--b.example',
    'did:web:xn--bcher-va.example',
    'did:web:a.xn--0.example',
    `did:web:example.com:${'a'.repeat(1024)}`,
  ])('refuses %j', (did) => {
    expect(() => didWebUrl(did)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('names only the host it states, or throws a TrustError', () => {
    const pieces = fc.constantFrom(
      'a',
      'b.c',
      '.',
      ':',
      '%3A',
      '1',
      '0x',
      '-',
      '@',
      '/',
      '%2F',
      '..',
      '#',
      '?',
      '\\',
      'é',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (list) => {
        const did = `did:web:${list.join('')}`;
        try {
          const url = new URL(didWebUrl(did));
          expect(url.href).toBe(didWebUrl(did));
          expect(url.hostname).toBe(did.slice(8).split(/:|%3A/)[0]);
          expect([url.username, url.password, url.search, url.hash]).toEqual(['', '', '', '']);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
