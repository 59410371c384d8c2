import { decodeHex, encodeHex, encodeUtf8, portableCrypto } from '@talosprotocol/protocol';
import { createFastestCrypto, createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

interface WycheproofCase {
  readonly tcId: number;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags: readonly string[];
  readonly [field: string]: unknown;
}

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tagSize: number;
    readonly tests: readonly WycheproofCase[];
  }[];
}

const folder = standardsFolder();
const wycheproof = (name: string) => readStandard<Wycheproof>(`standards/wycheproof/${name}_test.json`);
const bytes = (row: WycheproofCase, field: string): Uint8Array => decodeHex(row[field] as string);

/** What the one rule forbids, in the words of CCTV; `low_order_component_*` alone is harmless, and
 *  `reencoded_k` goes with a non-canonical encoding. */
const FORBIDDEN = [
  'low_order_A',
  'low_order_R',
  'non_canonical_A',
  'non_canonical_R',
  'low_order_residue',
  'reencoded_k',
];

const providers = [createNodeCrypto(), await createFastestCrypto(), portableCrypto];

it('tries all three providers', () => {
  expect(providers.map(({ name }) => name)).toEqual(['node', 'sodium', 'portable']);
});

describe.skipIf(folder === undefined).each(providers)(
  'crypto standards, $name provider (skipped without ../shared/vectors)',
  (crypto) => {
    it('CCTV Ed25519: the one rule on every edge case', () => {
      const vectors = readStandard<
        { number: number; key: string; sig: string; msg: string; flags: string[] | null }[]
      >('standards/cctv-ed25519/ed25519vectors.json');
      expect(vectors.length).toBe(457);
      let accepted = 0;
      for (const { number, key, sig, msg, flags } of vectors) {
        const expected = !(flags ?? []).some((flag) => FORBIDDEN.includes(flag));
        const actual = crypto.ed25519Verify(decodeHex(sig), encodeUtf8(msg), decodeHex(key));
        expect(actual, `vector ${number}: ${flags}`).toBe(expected);
        accepted += Number(actual);
      }
      expect(accepted).toBeGreaterThan(0);
    });

    it('Wycheproof Ed25519', () => {
      const { testGroups, numberOfTests } = wycheproof('ed25519');
      let count = 0;
      for (const { publicKey, tests } of testGroups) {
        for (const row of tests) {
          const actual = crypto.ed25519Verify(bytes(row, 'sig'), bytes(row, 'msg'), decodeHex(publicKey.pk));
          expect(actual, `tcId ${row.tcId}`).toBe(row.result === 'valid');
          count++;
        }
      }
      expect(count).toBe(numberOfTests);
    });

    it('Wycheproof X25519: an all-zero secret is an error', () => {
      for (const row of wycheproof('x25519').testGroups.flatMap(({ tests }) => tests)) {
        const derive = () => encodeHex(crypto.x25519(bytes(row, 'private'), bytes(row, 'public')));
        if (/^0+$/.test(row['shared'] as string)) expect(derive, `tcId ${row.tcId}`).toThrow('malformed');
        else expect(derive(), `tcId ${row.tcId}`).toBe(row['shared']);
      }
    });

    it('Wycheproof HKDF-SHA256', () => {
      for (const row of wycheproof('hkdf_sha256').testGroups.flatMap(({ tests }) => tests)) {
        const derive = () =>
          encodeHex(
            crypto.hkdfSha256(
              bytes(row, 'ikm'),
              bytes(row, 'salt'),
              bytes(row, 'info'),
              row['size'] as number,
            ),
          );
        if (row.result === 'valid') expect(derive(), `tcId ${row.tcId}`).toBe(row['okm']);
        else expect(derive, `tcId ${row.tcId}`).toThrow(RangeError);
      }
    });

    it('Wycheproof HMAC-SHA256', () => {
      for (const { tests, tagSize } of wycheproof('hmac_sha256').testGroups) {
        for (const row of tests) {
          const tag = encodeHex(crypto.hmacSha256(bytes(row, 'key'), bytes(row, 'msg'))).slice(
            0,
            tagSize / 4,
          );
          expect(tag === row['tag'], `tcId ${row.tcId}`).toBe(row.result === 'valid');
        }
      }
    });

    // RFC 8032 section 7.1, tests 1 to 3
    it.each([
      [
        '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
        '',
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      ],
      [
        '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
        '72',
        '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ],
      [
        'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
        'af82',
        'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
      ],
    ])('RFC 8032 seed %s', (seed, message, publicKey, signature) => {
      expect(encodeHex(crypto.ed25519PublicKey(decodeHex(seed)))).toBe(publicKey);
      expect(encodeHex(crypto.ed25519Sign(decodeHex(message), decodeHex(seed)))).toBe(signature);
    });
  },
);
