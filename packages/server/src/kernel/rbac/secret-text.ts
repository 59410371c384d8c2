import { createHash, timingSafeEqual } from 'node:crypto';
import { encodeBase64url, encodeHex } from '@talosprotocol/protocol';
import type { Random } from '../../platform/system.js';

/** SHA-256 of a secret: all that is kept of it. */
export function hashSecret(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

/** Compares in constant time; what is not there equals nothing, and takes as long. */
export function isSecret(text: string, hash: Uint8Array | null | undefined): boolean {
  const actual = createHash('sha256').update(text).digest();
  const isThere = hash?.length === actual.length;
  return timingSafeEqual(actual, isThere ? (hash as Uint8Array) : Buffer.alloc(actual.length)) && isThere;
}

/** A secret of 32 random bytes behind a prefix. */
export function newSecret(prefix: string, random: Random): string {
  return `${prefix}${encodeBase64url(random(32))}`;
}

/** A new key of a service account: its id and the whole text (RBAC-12). */
export function newServiceKey(random: Random): { readonly id: string; readonly key: string } {
  const id = encodeHex(random(16));
  return { id, key: newSecret(`tal_svc_${id}_`, random) };
}

const SERVICE_KEY = /^tal_svc_([0-9a-f]{32})_[A-Za-z0-9_-]{43}$/;

/** The id in a key of a service account; undefined if it is none. */
export function serviceKeyId(text: string): string | undefined {
  return SERVICE_KEY.exec(text)?.[1];
}

/** A new session token of a person. */
export const newLoginToken = (random: Random): string => newSecret('tal_log_', random);

/** Whether it has the form of one. */
export const isLoginToken = (text: string): boolean => /^tal_log_[A-Za-z0-9_-]{43}$/.test(text);
