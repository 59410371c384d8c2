import { describe, expect, it } from 'vitest';
import { createNodeCrypto } from '../node/index.js';
import { parseAnchor, parseAnchors } from './anchor.js';
import { findByPointer, parsePointer } from './pointer.js';
import { createWorld, READ_DOCS } from './testing/world.js';

const crypto = createNodeCrypto();
const { organisation, stranger } = createWorld(crypto);
const ANCHOR = { iss: organisation.did, tenant: 'default', grants: [READ_DOCS] };

describe('trust anchors', () => {
  it('CAP-6 allow a day of bearer keys unless they say otherwise', () => {
    expect(parseAnchor(ANCHOR, crypto).bearerMax).toBe(86_400);
    expect(parseAnchor({ ...ANCHOR, bearerMax: 0 }, crypto).bearerMax).toBe(0);
  });

  it('hold the key of a did:key, and of no other DID', () => {
    expect(parseAnchor(ANCHOR, crypto).publicKey).toEqual(organisation.publicKey);
    for (const iss of ['did:web:example.com', `did:key:z6Mk${'z'.repeat(44)}`]) {
      expect(parseAnchor({ ...ANCHOR, iss }, crypto)).not.toHaveProperty('publicKey');
    }
  });

  it('CAP-6 are closed, and well-formed like links', () => {
    const scoped = (scope: string) => ({ grants: [{ scope, ops: ['read'] }] });
    for (const changes of [
      { note: '' },
      { iss: 'me' },
      { grants: [] },
      { bearerMax: -1 },
      scoped('tool:a b'),
    ]) {
      expect(() => parseAnchor({ ...ANCHOR, ...changes }, crypto)).toThrow(
        expect.objectContaining({ code: 'MALFORMED' }),
      );
    }
  });

  it('CAP-6 are at most one per issuer', () => {
    const anchors = parseAnchors([ANCHOR, { ...ANCHOR, iss: stranger.did }], crypto);
    expect([...anchors.keys()]).toEqual([organisation.did, stranger.did]);
    expect(() => parseAnchors([ANCHOR, { ...ANCHOR, tenant: 'other' }], crypto)).toThrow('two trust anchors');
  });
});

describe('JSON Pointers', () => {
  it('follow RFC 6901 section 5', () => {
    const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'm~n': 8, ' ': 7 };
    const find = (text: string) => findByPointer(document, parsePointer(text));
    expect(find('')).toBe(document);
    expect(['/foo/0', '/', '/a~1b', '/c%d', '/m~0n', '/ '].map(find)).toEqual(['bar', 0, 1, 2, 8, 7]);
    expect(['/foo/2', '/foo/-', '/foo/01', '/x/y/z', '//a'].map(find)).toEqual(Array(5).fill(undefined));
  });

  it('are refused when they are none, or too long', () => {
    for (const bad of ['a', '/~', '/~2', `/${'a'.repeat(256)}`, `/${'ü'.repeat(128)}`]) {
      expect(() => parsePointer(bad)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    }
  });
});
