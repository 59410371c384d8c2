import type { OidcSettings, Subject } from '@talosprotocol/contracts';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import * as client from 'openid-client';
import { REFUSED_ADDRESS } from '../../platform/outward-address.js';
import { unauthenticated } from './credential.js';
import { createOutwardFetch, NOWHERE } from './outward-fetch.js';

/** What must come back from the provider for one login. */
export interface LoginChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** A person the provider vouches for. */
export interface VerifiedPerson {
  readonly issuer: string;
  readonly subject: string;
  /** The person, its verified e-mail address and its groups. */
  readonly subjects: readonly Subject[];
}

/** Talks to the OpenID provider: authorization code with PKCE (RBAC-16). */
export interface OpenId {
  /** Where to send the browser. @throws {TrustError} UNAVAILABLE: no provider answers */
  authorizationUrl(settings: OidcSettings, checks: LoginChecks): Promise<URL>;
  /** Redeems the code. @throws {TrustError} UNAUTHENTICATED: anything about it is wrong; UNAVAILABLE */
  redeem(settings: OidcSettings, returned: URL, checks: LoginChecks): Promise<VerifiedPerson>;
}

const TIMEOUT_S = 10;
const FRESH_MS = 60 * 60_000;
/** Asymmetric ones: a client's secret, or a public key taken for one, signs nothing. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const MAX_GROUPS = 256;

export const redirectUri = ({ origin }: OidcSettings): string => `${origin}/talos/v1/rbac/callback`;

export interface OpenIdDeps {
  readonly monotonic: () => number;
  /** By default what looks at where names lead. */
  readonly fetch?: client.CustomFetch;
}

export function createOpenId(deps: OpenIdDeps): OpenId {
  const configure = createDiscovery(deps);
  return {
    authorizationUrl: async (settings, { state, nonce, verifier }) =>
      client.buildAuthorizationUrl(await configure(settings), {
        redirect_uri: redirectUri(settings),
        scope: 'openid email',
        response_type: 'code',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      }),
    redeem: async (settings, returned, checks) => {
      const configuration = await configure(settings);
      try {
        return personOf(settings, await exchange(configuration, returned, checks));
      } catch (error) {
        if (isTrustError(error)) throw error;
        if (isUnreachable(error)) throw unavailable(settings, error);
        // What exactly was wrong with a token is the business of nobody who brings one.
        throw new TrustError('UNAUTHENTICATED', 'the login does not hold', { hint: 'log in again' }, error);
      }
    },
  };
}

async function exchange(
  configuration: client.Configuration,
  returned: URL,
  { state, nonce, verifier }: LoginChecks,
): Promise<client.IDToken> {
  const tokens = await client.authorizationCodeGrant(configuration, returned, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (claims === undefined || !ALGORITHMS.includes(algorithmOf(tokens.id_token))) throw unauthenticated();
  return claims;
}

function algorithmOf(token: string | undefined): string {
  const [header = ''] = (token ?? '').split('.');
  return String((JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { alg?: unknown }).alg);
}

function personOf({ issuer, groupsClaim }: OidcSettings, claims: client.IDToken): VerifiedPerson {
  if (claims.iss !== issuer) throw unauthenticated();
  const subject = assertText(claims.sub);
  const subjects: Subject[] = [{ kind: 'person', issuer, id: subject }];
  const { email, email_verified: isVerified } = claims;
  if (email !== undefined && isVerified === true)
    subjects.push({ kind: 'email', issuer, id: assertText(email) });
  const groups = groupsClaim === undefined ? [] : groupsOf(claims[groupsClaim]);
  return {
    issuer,
    subject,
    subjects: [...subjects, ...groups.map((id) => ({ kind: 'group', issuer, id }) as const)],
  };
}

/** All of them or no login: a group left out might be one that is denied something. */
function groupsOf(claim: unknown): string[] {
  if (claim === undefined) return [];
  const groups = typeof claim === 'string' ? [claim] : claim;
  if (!Array.isArray(groups) || groups.length > MAX_GROUPS) throw unauthenticated();
  return [...new Set(groups.map(assertText))];
}

const PRINTABLE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,256}$/u;

function assertText(value: unknown): string {
  if (typeof value === 'string' && PRINTABLE.test(value) && Buffer.byteLength(value) <= 256) return value;
  throw unauthenticated();
}

/** Reads the provider's discovery document, again after an hour or when the settings change. */
function createDiscovery({ monotonic, fetch = createOutwardFetch() }: OpenIdDeps) {
  let known: { readonly key: string; readonly at: number; readonly found: client.Configuration } | undefined;
  return async (settings: OidcSettings): Promise<client.Configuration> => {
    const key = JSON.stringify(settings);
    if (known?.key === key && monotonic() - known.at < FRESH_MS) return known.found;
    const found = await discover(settings, fetch).catch((error: unknown) => {
      throw unavailable(settings, error);
    });
    known = { key, at: monotonic(), found };
    return found;
  };
}

function discover(
  { issuer, clientId, clientSecret }: OidcSettings,
  fetch: client.CustomFetch,
): Promise<client.Configuration> {
  // Only this machine may be spoken to in the clear: the schema of the settings sees to it.
  const isClear = issuer.startsWith('http:');
  return client.discovery(
    new URL(issuer),
    clientId,
    undefined,
    clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret),
    {
      timeout: TIMEOUT_S,
      [client.customFetch]: fetch,
      // Signatures of id tokens are verified although they come from the provider itself.
      execute: [client.enableNonRepudiationChecks, ...(isClear ? [client.allowInsecureRequests] : [])],
    },
  );
}

function isUnreachable(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === 'TypeError' || name === 'TimeoutError' || code === 'OAUTH_TIMEOUT';
}

function unavailable({ issuer }: OidcSettings, error: unknown): TrustError {
  const hint = isNowhere(error)
    ? 'link-local, unspecified and multicast addresses and metadata services are none of a provider'
    : 'see whether the issuer in talos.yaml is right and can be reached from here';
  return new TrustError(
    'UNAVAILABLE',
    `the OpenID provider ${issuer} does not answer as one`,
    { hint },
    error,
  );
}

/** A name that leads there fails deep inside of the connection. */
function isNowhere(error: unknown): boolean {
  for (let inner = error; inner instanceof Error; inner = inner.cause)
    if (inner.message === NOWHERE || ('code' in inner && inner.code === REFUSED_ADDRESS)) return true;
  return false;
}
