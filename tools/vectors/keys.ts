import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { b64url, type Data, hex, jcs, sha256 } from './bytes.js';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

export function base58(bytes: Uint8Array): string {
  let value = BigInt(`0x${hex(bytes)}`);
  let text = '';
  for (; value > 0n; value /= 58n) text = BASE58.charAt(Number(value % 58n)) + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros === -1 ? bytes.length : zeros) + text;
}

/** A did:key of any multicodec prefix; two bytes of prefix for the usual keys. */
export function didOfKey(publicKey: Uint8Array, prefix = [0xed, 0x01]): string {
  return `did:key:z${base58(Buffer.concat([Uint8Array.from(prefix), publicKey]))}`;
}

/** A party with a fixed key. */
export interface Party {
  readonly seed: Buffer;
  readonly publicKey: Buffer;
  readonly did: string;
  readonly sign: (message: Uint8Array | string) => Buffer;
}

/** The party whose seed is SHA-256 of its name: published, so never to be used outside the vectors. */
export function party(name: string): Party {
  const seed = sha256(`talos-vectors-v1 ${name}`);
  const key = ed25519(seed);
  const publicKey = rawPublic(key);
  return {
    seed,
    publicKey,
    did: didOfKey(publicKey),
    sign: (message) => sign(null, Buffer.from(message), key),
  };
}

function ed25519(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function rawPublic(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
}

/** A compact JWS (ENC-10); header and payload as they are given, so that faulty ones can be made. */
export function jws(typ: string, payload: Data, signer: Party, header?: Data, text?: string): string {
  const head = b64url(JSON.stringify(header ?? { alg: 'EdDSA', typ }));
  const input = `${head}.${b64url(text ?? jcs(payload))}`;
  return `${input}.${b64url(signer.sign(input))}`;
}

function x25519(secret: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** The X25519 public key of a secret. */
export function x25519Public(secret: Uint8Array): Buffer {
  return rawPublic(x25519(secret));
}

function x25519Shared(secret: Uint8Array, publicKey: Uint8Array): Buffer {
  const der = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), publicKey]);
  return diffieHellman({
    privateKey: x25519(secret),
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
  });
}

/** The session key of SES-5. */
export function sessionKey(
  secret: Uint8Array,
  peer: Uint8Array,
  cth: string,
  sid: string,
  agentEpk: Uint8Array,
  gatewayEpk: Uint8Array,
): Buffer {
  const info = Buffer.concat([Buffer.from(`talos-session-key-v1\n${sid}\n`), agentEpk, gatewayEpk]);
  const salt = Buffer.from(cth, 'base64url');
  return Buffer.from(hkdfSync('sha256', x25519Shared(secret, peer), salt, info, 32));
}
