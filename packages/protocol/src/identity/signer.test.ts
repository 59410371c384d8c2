import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseJws, signJws, verifyJwsSignature } from '../crypto/jws.js';
import { portableCrypto } from '../crypto/portable.js';
import { createNodeCrypto } from '../node/crypto.js';
import { parseDidKey } from './did-key.js';
import { createSigner } from './signer.js';

describe.each([createNodeCrypto(), portableCrypto])('a did:key signer on $name crypto', (crypto) => {
  it('signs what its DID verifies', () => {
    const signer = createSigner(new Uint8Array(32).fill(9), crypto);
    const parsed = parseJws(signJws({ typ: 't', claims: { iss: signer.did } }, signer), 't');
    expect(parsed.header.kid).toBeUndefined();
    expect(() => verifyJwsSignature(parsed, parseDidKey(signer.did), crypto)).not.toThrow();
    expect(parseDidKey(signer.did)).toEqual(signer.publicKey);
  });

  it('keeps its own copy of the seed, and shows it nowhere', () => {
    const seed = new Uint8Array(32).fill(0xab);
    const signer = createSigner(seed, crypto);
    const before = signer.sign(Uint8Array.of(1));
    seed.fill(0);
    expect(signer.sign(Uint8Array.of(1))).toEqual(before);
    expect(inspect(signer, { depth: 5, showHidden: true })).not.toContain('171, 171');
  });

  it('refuses a seed of another length', () => {
    expect(() => createSigner(new Uint8Array(31), crypto)).toThrow(RangeError);
  });
});
