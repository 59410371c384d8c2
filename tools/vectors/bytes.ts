import { createHash } from 'node:crypto';

/** SHA-256 of the parts, one after another. */
export function sha256(...parts: (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function b64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString('base64url');
}

export function b64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

export type Data = null | boolean | number | string | readonly Data[] | { readonly [name: string]: Data };
export type Members = { readonly [name: string]: Data };

/** RFC 8785: members by UTF-16 code units, everything else as ECMAScript writes it. */
export function jcs(value: Data): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((member) => jcs(member as Data)).join(',')}]`;
  const members = value as Members;
  const names = Object.keys(members).sort((a, b) => (a < b ? -1 : 1));
  return `{${names.map((name) => `${JSON.stringify(name)}:${jcs(members[name] as Data)}`).join(',')}}`;
}

/** A copy without some members. */
export function without(value: Members, ...names: string[]): Members {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/** The bytes with one bit of one byte turned. */
export function flip(bytes: Uint8Array, index: number, bit = 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[index] = (copy[index] as number) ^ bit;
  return copy;
}
