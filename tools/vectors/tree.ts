import { b64, hex, sha256 } from './bytes.js';
import type { Party } from './keys.js';

/** RFC 6962 section 2.1, as it is written there. */
export function leafHash(data: Uint8Array | string): Buffer {
  return sha256(Uint8Array.of(0), data);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(Uint8Array.of(1), left, right);
}

/** Largest power of two below n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

export function treeRoot(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0] as Buffer;
  const k = split(leaves.length);
  return nodeHash(treeRoot(leaves.slice(0, k)), treeRoot(leaves.slice(k)));
}

export function inclusion(leaves: readonly Uint8Array[], index: number): Buffer[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...inclusion(leaves.slice(0, k), index), treeRoot(leaves.slice(k))]
    : [...inclusion(leaves.slice(k), index - k), treeRoot(leaves.slice(0, k))];
}

export function consistency(leaves: readonly Uint8Array[], size: number): Buffer[] {
  return size === leaves.length ? [] : subproof(size, leaves, true);
}

function subproof(m: number, leaves: readonly Uint8Array[], whole: boolean): Buffer[] {
  if (m === leaves.length) return whole ? [] : [treeRoot(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), whole), treeRoot(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), treeRoot(leaves.slice(0, k))];
}

function keyHash(name: string, key: Party): Buffer {
  return sha256(`${name}\n`, Uint8Array.of(1), key.publicKey).subarray(0, 4);
}

/** A signed-note verifier key. */
export function vkey(name: string, key: Party): string {
  const encoded = b64(Buffer.concat([Uint8Array.of(1), key.publicKey]));
  return `${name}+${hex(keyHash(name, key))}+${encoded}`;
}

/** A signed note: the text, which ends in a line end, and one signature. */
export function note(text: string, name: string, key: Party): string {
  return `${text}\n\u2014 ${name} ${b64(Buffer.concat([keyHash(name, key), key.sign(text)]))}\n`;
}

/** A signed checkpoint (AUD-12). */
export function checkpoint(origin: string, leaves: readonly Uint8Array[], key: Party, extra = ''): string {
  return note(`${origin}\n${leaves.length}\n${b64(treeRoot(leaves))}\n${extra}`, origin, key);
}
