import {
  createSigner,
  decodeBase64url,
  decodeHex,
  encodeBase58,
  encodeBase64url,
  encodeDidKey,
  encodeHex,
  encodeUtf8,
  parseDidKey,
  portableCrypto,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

interface SigningVector {
  readonly test_id: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly expected: Readonly<Record<string, unknown>>;
}

const folder = standardsFolder();
const SIGNING = 'talos/talos-contracts/test_vectors/sdk/signing_verify.json';

describe.skipIf(folder === undefined).each([createNodeCrypto(), portableCrypto])(
  'identity standards, $name provider (skipped without ../shared/vectors)',
  (crypto) => {
    const check = ({ inputs, expected }: SigningVector): void => {
      const signer = createSigner(decodeHex(inputs['seed_hex']!), crypto);
      const message = encodeUtf8(inputs['message_utf8']!);
      const signature = signer.sign(message);
      if (expected['signature_base64url']) {
        expect(encodeBase64url(signature)).toBe(expected['signature_base64url']);
        expect(signer.did).toBe(expected['did']);
        expect(parseDidKey(expected['did'] as string)).toEqual(signer.publicKey);
      }
      if (expected['public_key_hex']) expect(encodeHex(signer.publicKey)).toBe(expected['public_key_hex']);
      expect(signature).toHaveLength((expected['signature_length'] as number | undefined) ?? 64);
      expect(crypto.ed25519Verify(signature, message, signer.publicKey)).toBe(true);
    };

    it('signing_verify', () => {
      const { vectors } = readStandard<{ vectors: SigningVector[] }>(SIGNING);
      expect(vectors.length).toBeGreaterThan(1);
      for (const vector of vectors) check(vector);
    });

    it('signing_verify, negative cases', () => {
      const { negative_cases } = readStandard<{ negative_cases: SigningVector[] }>(SIGNING);
      const inputs = (id: string) => negative_cases.find(({ test_id }) => test_id === id)!.inputs;
      expect(() => createSigner(decodeHex(inputs('invalid_seed_length')['seed_hex']!), crypto)).toThrow(
        'seed',
      );
      const wrong = inputs('verify_wrong_key');
      const signature = decodeBase64url(wrong['signature_base64url']!);
      const message = encodeUtf8(wrong['message_utf8']!);
      const key = decodeHex(wrong['wrong_public_key_hex']!);
      expect(crypto.ed25519Verify(signature, message, key)).toBe(false);
      const tampered = inputs('verify_tampered_message');
      const signer = createSigner(decodeHex(tampered['seed_hex']!), crypto);
      const signed = signer.sign(encodeUtf8(tampered['original_message']!));
      const other = encodeUtf8(tampered['tampered_message']!);
      expect(crypto.ed25519Verify(signed, other, signer.publicKey)).toBe(false);
    });

    it('go_vectors', () => {
      const { vectors } = readStandard<{ vectors: SigningVector[] }>('talos/talos/interop/go_vectors.json');
      expect(vectors).toHaveLength(2);
      for (const vector of vectors) check(vector);
    });

    it('did:key method, Ed25519', () => {
      const data = readStandard<
        Record<string, { seed: string; verificationKeyPair: { publicKeyBase58: string } }>
      >('standards/did-key/ed25519-x25519.json');
      expect(Object.keys(data).length).toBeGreaterThan(1);
      for (const [did, { seed, verificationKeyPair }] of Object.entries(data)) {
        const publicKey = crypto.ed25519PublicKey(decodeHex(seed));
        expect(encodeDidKey(publicKey)).toBe(did);
        expect(encodeBase58(parseDidKey(did))).toBe(verificationKeyPair.publicKeyBase58);
      }
    });

    it.each(['nist-curves', 'secp256k1', 'x25519'])(
      'did:key method, %s: another key type is refused',
      (name) => {
        const text = JSON.stringify(readStandard(`standards/did-key/${name}.json`));
        const dids = new Set(text.match(/did:key:z[1-9A-Za-z]+/g));
        expect(dids.size).toBeGreaterThan(0);
        for (const did of dids) expect(() => parseDidKey(did), did).toThrow('malformed');
      },
    );
  },
);
