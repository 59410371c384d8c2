import type { CredentialRecord } from '@talosprotocol/contracts';
import {
  isProofAuthorization,
  isTalosAuthorization,
  parseProofAuthorization,
  type RequestHeaders,
  readRequestHeaders,
  type SignedHeaders,
  TrustError,
} from '@talosprotocol/protocol';
import { presentedToken } from '../../platform/presented-token.js';
import { principalOf } from '../principal.js';
import type { Arrival } from './call.js';
import type { Authenticated, CredentialAuthority, PresentedProof, SignedRequest } from './ports.js';

/** The credential of a request, unverified. */
export type Presented = { readonly signed: SignedHeaders } & (
  | { readonly kind: 'session'; readonly authorization: string }
  | { readonly kind: 'bearer'; readonly key: string }
  | PresentedProof
);

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

const NOWHERE_ELSE: ReadonlySet<string> = new Set();

/** Finds the credential of a request. `keyHeaders` are those that hold a bearer key and nothing else. @throws {TrustError} MALFORMED (SES-7) | NO_CAPABILITY */
export function credentialOf(rawHeaders: readonly string[], keyHeaders = NOWHERE_ELSE): Presented {
  const { credential, signed, capability } = readRequestHeaders(rawHeaders);
  if (capability !== undefined) return { ...proofOf(credential, capability), signed };
  if (credential !== undefined && keyHeaders.has(credential.name))
    return { kind: 'bearer', key: credential.value, signed };
  if (credential?.name !== 'authorization') throw none(credential);
  const { value } = credential;
  if (isTalosAuthorization(value)) return { kind: 'session', authorization: value, signed };
  if (isProofAuthorization(value)) throw new TrustError('MALFORMED', 'a proof without talos-capability');
  const key = BEARER.exec(value)?.[1];
  if (key === undefined) throw none(credential);
  return { kind: 'bearer', key, signed };
}

/** A chain without a proof has a signature, or nothing that counts (SES-15, SES-16). */
function proofOf(credential: RequestHeaders['credential'], chain: string): PresentedProof {
  if (credential === undefined) return { kind: 'signature', chain };
  return { kind: 'proof', chain, proof: parseProofAuthorization(credential.value) };
}

function none(credential: RequestHeaders['credential']): TrustError {
  const reason =
    credential === undefined ? 'no credential was presented' : 'the credential is of no known kind';
  return new TrustError('NO_CAPABILITY', reason);
}

/** What is known of a credential before the body is read. */
export interface Examined {
  /** Why it is refused already. */
  readonly fault?: { readonly error: unknown };
  /** Whose it is, where that shows without the body. */
  readonly principal?: string;
  /** Verifies the credential with the whole request. For sessions nothing waits between the MAC and the mark of its
   *  number, for proofs nothing between the look at the body and the end of the nonce. */
  identify(request: SignedRequest): Authenticated | Promise<Authenticated>;
}

/** Looks at a credential before the body is read: nobody without one makes us take in large bodies. A bearer key is
 *  looked at again afterwards. A session shows by its MAC over the body, and before that by its id. */
export async function examine(
  authority: CredentialAuthority,
  presented: Presented,
  arrival: Arrival,
): Promise<Examined> {
  if (presented.kind === 'session') {
    return { identify: (request) => authority.authenticateSession(presented.authorization, request) };
  }
  try {
    if (presented.kind === 'bearer') {
      const { capability } = await authority.authenticateBearer(presented.key);
      return {
        principal: principalOf(capability),
        identify: () => authority.authenticateBearer(presented.key),
      };
    }
    const proof = await authority.examineProof(presented, provenRequest(presented, arrival));
    const principal = principalOf(proof.capability);
    return { principal, identify: ({ body }) => proof.finish(body) };
  } catch (error) {
    return { fault: { error }, identify: () => Promise.reject(error) };
  }
}

function provenRequest({ signed }: Presented, { method, target, rawHeaders }: Arrival) {
  return { method, target, rawHeaders, headers: signed, host: hostOf(rawHeaders) };
}

function hostOf(rawHeaders: readonly string[]): string {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  return at < 0 ? '' : (rawHeaders[at + 1] ?? '');
}

/** How an event names a credential that was not verified: by a hash of what was presented (AUD-5). */
export function unverifiedRecord(
  presented: Presented | undefined,
  hashText: (text: string) => string,
): CredentialRecord {
  if (presented === undefined) return { kind: 'none' };
  return { kind: presented.kind, ...presentedToken(textOf(presented), hashText) };
}

function textOf(presented: Presented): string {
  switch (presented.kind) {
    case 'bearer':
      return presented.key;
    case 'session':
      return presented.authorization;
    case 'proof':
      return `${presented.chain}~${presented.proof}`;
    case 'signature':
      return presented.chain;
  }
}
