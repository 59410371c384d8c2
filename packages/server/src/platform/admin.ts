import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';
import type { Guard } from './http.js';
import { readOrCreateKeyFile } from './key-file.js';
import { createSecret, type Secret } from './secret.js';
import type { Random } from './system.js';

const TOKEN = /^tal_admin_[A-Za-z0-9_-]{43}$/;

/** The administrator token of a data folder, made at the first call: `<keys>/admin.token`, mode 0600. */
export async function readAdminToken(keysFolder: string, random: Random): Promise<Secret<string>> {
  const make = () => `tal_admin_${Buffer.from(random(32)).toString('base64url')}\n`;
  const token = (await readOrCreateKeyFile(keysFolder, 'admin.token', make)).trim();
  if (TOKEN.test(token)) return createSecret(token);
  throw new TrustError('SETTINGS_INVALID', 'admin.token does not hold an administrator token', {
    hint: 'remove the file keys/admin.token of the data folder; the next start makes another',
  });
}

/** What a server keeps of the token: its SHA-256. */
export function hashAdminToken(token: Secret<string>): Uint8Array {
  return createHash('sha256').update(token.reveal()).digest();
}

/** Lets `Authorization: Bearer <administrator token>` pass; compares in constant time.
 *  The guard throws UNAUTHENTICATED. */
export function createAdminGuard(tokenHash: Uint8Array): Guard {
  const expected = Buffer.from(tokenHash);
  return (request: IncomingMessage) => {
    const presented = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const actual = createHash('sha256').update(presented).digest();
    if (timingSafeEqual(actual, expected)) return;
    throw new TrustError('UNAUTHENTICATED', 'the administrator token is missing or wrong', {
      hint: 'send Authorization: Bearer with the content of keys/admin.token of the data folder',
    });
  };
}
