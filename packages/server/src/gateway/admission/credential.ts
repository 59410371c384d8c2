import type { CredentialRecord } from '@talosprotocol/contracts';
import {
  isTalosAuthorization,
  type RequestHeaders,
  readRequestHeaders,
  type SignedHeaders,
  TrustError,
} from '@talosprotocol/protocol';
import type { Authenticated, CredentialAuthority, SignedRequest } from './ports.js';

/** The credential of a request, unverified. */
export type Presented =
  | { readonly kind: 'session'; readonly authorization: string; readonly signed: SignedHeaders }
  | { readonly kind: 'bearer'; readonly key: string; readonly signed: SignedHeaders };

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

/** Finds the credential of a request. @throws {TrustError} MALFORMED (SES-7) | NO_CAPABILITY */
export function credentialOf(rawHeaders: readonly string[]): Presented {
  const { credential, signed } = readRequestHeaders(rawHeaders);
  if (credential?.name !== 'authorization') throw none(credential);
  const { value } = credential;
  if (isTalosAuthorization(value)) return { kind: 'session', authorization: value, signed };
  const key = BEARER.exec(value)?.[1];
  if (key === undefined) throw none(credential);
  return { kind: 'bearer', key, signed };
}

function none(credential: RequestHeaders['credential']): TrustError {
  const reason =
    credential === undefined ? 'no credential was presented' : 'the credential is of no known kind';
  return new TrustError('NO_CAPABILITY', reason);
}

/** Verifies the credential. For sessions nothing waits between the MAC and the mark of its number. */
export function identify(
  authority: CredentialAuthority,
  credential: Presented,
  request: SignedRequest,
): Authenticated | Promise<Authenticated> {
  if (credential.kind === 'bearer') return authority.authenticateBearer(credential.key);
  return authority.authenticateSession(credential.authorization, request);
}

/** How an event names a credential that was not verified: by a hash of what was presented (AUD-5). */
export function unverifiedRecord(
  presented: Presented | undefined,
  hashText: (text: string) => string,
): CredentialRecord {
  if (presented === undefined) return { kind: 'none' };
  const { kind } = presented;
  return { kind, token: hashText(kind === 'bearer' ? presented.key : presented.authorization) };
}
