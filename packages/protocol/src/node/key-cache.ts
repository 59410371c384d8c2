import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** The two curves of Talos, with the DER that stands before a raw key of 32 bytes (RFC 8410). */
const DER = {
  ed25519: { spki: '302a300506032b6570032100', pkcs8: '302e020100300506032b657004220420' },
  x25519: { spki: '302a300506032b656e032100', pkcs8: '302e020100300506032b656e04220420' },
} as const;

/** Imports a raw public key; throws if it cannot be one. */
export function importPublicKey(curve: keyof typeof DER, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(DER[curve].spki, 'hex'), raw]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/** Imports a raw seed or scalar. */
export function importPrivateKey(curve: keyof typeof DER, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(DER[curve].pkcs8, 'hex'), raw]);
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } finally {
    key.fill(0);
  }
}

/** The raw public key that belongs to a private key. */
export function exportPublicKey(privateKey: KeyObject): Uint8Array {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(-32));
}

/** Importing a key costs as much as a verification, so each public key is imported once. At most `limit` are kept, those
 *  used last: a flood of foreign keys costs speed, never memory. */
export function createPublicKeyCache(limit: number): (raw: Uint8Array) => KeyObject {
  // Two generations: a hit among the young costs one look-up, and the old ones leave when the young are half the limit.
  let young = new Map<string, KeyObject>();
  let old = new Map<string, KeyObject>();
  return (raw) => {
    const name = nameOf(raw);
    const known = young.get(name);
    if (known !== undefined) return known;
    const key = old.get(name) ?? importPublicKey('ed25519', raw);
    if (young.size >= limit / 2) {
      old = young;
      young = new Map();
    }
    young.set(name, key);
    return key;
  };
}

/** The key's 32 bytes, two to a character. */
function nameOf(raw: Uint8Array): string {
  const u = (index: number): number => ((raw[index] as number) << 8) | (raw[index + 1] as number);
  return (
    String.fromCharCode(u(0), u(2), u(4), u(6), u(8), u(10), u(12), u(14)) +
    String.fromCharCode(u(16), u(18), u(20), u(22), u(24), u(26), u(28), u(30))
  );
}

/** Private keys are remembered per seed array and only as long as that array lives, so that no secret outlives
 *  its owner. The copy guards against an array that was overwritten with another seed. */
export function createPrivateKeyCache(): (seed: Uint8Array) => KeyObject {
  const keys = new WeakMap<Uint8Array, { readonly copy: Uint8Array; readonly key: KeyObject }>();
  return (seed) => {
    const known = keys.get(seed);
    if (known !== undefined && Buffer.compare(known.copy, seed) === 0) return known.key;
    const key = importPrivateKey('ed25519', seed);
    keys.set(seed, { copy: Uint8Array.from(seed), key });
    return key;
  };
}
