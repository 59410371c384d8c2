import type { LoginPage, OidcSettings, Principal } from '@talosprotocol/contracts';
import { encodeBase64url, TrustError } from '@talosprotocol/protocol';
import type { Sql } from '../../platform/sql.js';
import type { Clock, Random } from '../../platform/system.js';
import { LOGIN_IDLE_MS } from './authentication.js';
import { type Changes, found } from './change.js';
import { unauthenticated } from './credential.js';
import { addAttempt, addLogin, endLogin, readLogins, takeAttempt } from './login-store.js';
import type { OpenId, VerifiedPerson } from './openid.js';
import { redirectUri } from './openid.js';
import type { PageRequest } from './policy-store.js';
import { hashSecret, newLoginToken, newSecret } from './secret-text.js';

/** Sessions of people (RBAC-16, RBAC-17). */
export interface Logins {
  /** Begins a login: where the browser goes, and the secret that keeps it this browser's.
   *  @throws {TrustError} NOT_FOUND: nobody logs in here; UNAVAILABLE */
  begin(): Promise<{ readonly location: string; readonly browser: string }>;
  /** Ends it: the token of a new session, never of one that was there before.
   *  @throws {TrustError} UNAUTHENTICATED | UNAVAILABLE */
  complete(returned: ReturnedLogin): Promise<{ readonly token: string; readonly seconds: number }>;
  /** Ends the session of this token. */
  end(principal: Principal, token: string): Promise<void>;
  list(request: PageRequest): Promise<LoginPage>;
  /** @throws {TrustError} NOT_FOUND */
  revoke(by: Principal, id: string): Promise<void>;
}

/** What a browser brings back from the provider. */
export interface ReturnedLogin {
  /** As sent by the provider. */
  readonly query: string;
  /** The secret that the login began with; undefined if the browser has none. */
  readonly browser: string | undefined;
  /** The token of a session the browser had before: it ends. */
  readonly before: string | undefined;
}

interface LoginsDeps {
  readonly sql: Sql;
  readonly changes: Changes;
  readonly openId: OpenId;
  readonly settings: () => OidcSettings | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const ATTEMPT_MS = 10 * 60_000;
const LOGIN_MS = 8 * 60 * 60_000;

export function createLogins(deps: LoginsDeps): Logins {
  const { sql, changes, openId, clock, random } = deps;
  const settings = (): OidcSettings => found(deps.settings(), 'login: talos.yaml names no OpenID provider');
  return {
    begin: async () => {
      const [state, nonce, verifier] = [secret(random), secret(random), secret(random)];
      const browser = newSecret('', random);
      const location = await openId.authorizationUrl(settings(), { state, nonce, verifier });
      const hashes = { stateHash: hashSecret(state), browserHash: hashSecret(browser) };
      const now = clock.now();
      await addAttempt(sql, { ...hashes, nonce, verifier, ends: now + ATTEMPT_MS }, now);
      return { location: location.href, browser };
    },
    complete: async ({ query, browser, before }) => {
      const state = stateOf(query);
      const hashes = { stateHash: hashSecret(state), browserHash: hashSecret(browser ?? '') };
      const attempt = await takeAttempt(sql, hashes, clock.now());
      if (attempt === undefined) throw unauthenticated();
      const url = new URL(`${redirectUri(settings())}?${query}`);
      const person = await openId.redeem(settings(), url, { state, ...attempt });
      const token = await open(deps, person, before);
      return { token, seconds: LOGIN_MS / 1000 };
    },
    end: (principal, token) =>
      changes.run(principal, async ({ tx, record }) => {
        const id = await endLogin(tx, { hash: hashSecret(token) });
        if (id !== undefined) await record('login.ended', id, {});
      }),
    list: async (request) => {
      const { rows, next } = await readLogins(sql, request);
      return { sessions: [...rows], next };
    },
    revoke: (by, id) =>
      changes.runAs(by, async ({ tx, record }) => {
        found(await endLogin(tx, { id }), 'session');
        await record('login.ended', id, {});
      }),
  };
}

const secret = (random: Random): string => encodeBase64url(random(32));

async function open(
  { changes, random }: LoginsDeps,
  { issuer, subject, subjects }: VerifiedPerson,
  before: string | undefined,
): Promise<string> {
  const token = newLoginToken(random);
  const actor = { kind: 'person', id: `${issuer} ${subject}`, how: 'session' } as const;
  await changes.run(actor, async ({ tx, now, newId, record }) => {
    if (before !== undefined) await endLogin(tx, { hash: hashSecret(before) });
    const id = newId('log');
    const kept = { id, hash: hashSecret(token), issuer, subject, subjects };
    await addLogin(tx, { ...kept, at: now, ends: now + LOGIN_MS }, LOGIN_IDLE_MS);
    await record('login.opened', id, { subjects });
  });
  return token;
}

/** Exactly one of each parameter: of two states one could be checked and the other used. */
function stateOf(query: string): string {
  const parameters = new URLSearchParams(query);
  const names = [...parameters.keys()];
  const state = parameters.get('state');
  if (state !== null && new Set(names).size === names.length) return state;
  throw new TrustError('MALFORMED', 'not the answer of an OpenID provider');
}
