import type { IncomingMessage } from 'node:http';
import type { OidcSettings, Principal, Subject } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { clientAddress } from '../../platform/client-address.js';
import type { Log } from '../../platform/log.js';
import type { Queries } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import type { Attempts } from './attempts.js';
import { readAdminCredential, sessionCookie, unauthenticated } from './credential.js';
import { hashSecret, isLoginToken, isSecret, serviceKeyId } from './secret-text.js';
import { createSharedRead } from './shared-read.js';

/** A caller who showed who it is, and the version of what decides about it. */
export interface AuthenticatedCaller {
  readonly principal: Principal;
  readonly version: number;
}

export interface AuthenticationDeps {
  readonly sql: Queries;
  readonly clock: Clock;
  readonly log: Log;
  readonly attempts: Attempts;
  /** The OpenID provider in force: people whom another one named are nobody here, and pages of this origin may act with
   *  the session cookie. Undefined: nobody logs in. */
  readonly oidc: () => Pick<OidcSettings, 'issuer' | 'origin'> | undefined;
}

/** A person's session ends when it was not used for so long. */
export const LOGIN_IDLE_MS = 30 * 60_000;
/** Times of use are written down this seldom. */
const COARSE_MS = 10 * 60_000;
const LOGIN_COARSE_MS = 60_000;

/** Says who calls. @throws {TrustError} UNAUTHENTICATED | MALFORMED | RATE_LIMITED | FORBIDDEN (CSRF) | UNAVAILABLE */
export function createAuthentication(deps: AuthenticationDeps) {
  const findKey = createSharedRead((id) => deps.sql.query<KeyRow>(FIND_KEY, [id]));
  return async (request: IncomingMessage): Promise<AuthenticatedCaller> => {
    const { text, how } = readAdminCredential(request, sessionCookie(deps.oidc()?.origin));
    const keyId = serviceKeyId(text);
    const isKey = how === 'header' && keyId !== undefined;
    if (!isKey && !isLoginToken(text)) throw unauthenticated();
    const caller = await deps.attempts.look(clientAddress(request), text, () =>
      isKey
        ? authenticateKey({ ...deps, findKey }, keyId, text)
        : authenticateLogin(deps, text, how === 'cookie' ? 'cookie' : 'session'),
    );
    if (how === 'cookie') assertOwnPage(request, deps.oidc()?.origin);
    return caller;
  };
}

interface KeyRow {
  readonly version: number;
  readonly account: string | null;
  readonly hash: Uint8Array | null;
  readonly ends_at: number | null;
  readonly used_at: number | null;
  readonly disabled: boolean | null;
}

const FIND_KEY = {
  name: 'rbac-find-key',
  text: `SELECT s.version, k.account, k.hash, k.ends_at, k.used_at, a.disabled FROM rbac_state s
    LEFT JOIN rbac_service_key k ON k.id = $1 LEFT JOIN rbac_service_account a ON a.id = k.account`,
};

async function authenticateKey(
  { sql, clock, log, findKey }: AuthenticationDeps & { readonly findKey: (id: string) => Promise<KeyRow[]> },
  id: string,
  text: string,
): Promise<AuthenticatedCaller> {
  const [row] = await findKey(id);
  const now = clock.now();
  const isRight = isSecret(text, row?.hash);
  if (row === undefined || !isRight || row.account === null || row.disabled !== false)
    throw unauthenticated();
  if ((row.ends_at ?? 0) <= now) throw unauthenticated();
  if (now - (row.used_at ?? 0) >= COARSE_MS)
    remember(sql.query('UPDATE rbac_service_key SET used_at = $2 WHERE id = $1', [id, now]), log);
  const subject: Subject = { kind: 'service', id: row.account };
  return {
    principal: { kind: 'service', id: row.account, how: 'key', subjects: [subject] },
    version: row.version,
  };
}

interface LoginRow {
  readonly version: number;
  readonly id: string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly subjects: Subject[];
  readonly seen_at: number;
  readonly ends_at: number;
}

const FIND_LOGIN = {
  name: 'rbac-find-login',
  text: `SELECT s.version, l.id, l.issuer, l.subject, l.subjects, l.seen_at, l.ends_at FROM rbac_state s
    LEFT JOIN rbac_login l ON l.hash = $1`,
};

/** Found by its hash: whoever can tell how long a search took learns nothing of the token. */
async function authenticateLogin(
  { sql, clock, log, oidc }: AuthenticationDeps,
  text: string,
  how: 'session' | 'cookie',
): Promise<AuthenticatedCaller> {
  const [row] = await sql.query<LoginRow>(FIND_LOGIN, [hashSecret(text)]);
  if (row === undefined || row.id === null || row.issuer !== oidc()?.issuer) throw unauthenticated();
  const now = clock.now();
  if (now >= row.ends_at || now >= row.seen_at + LOGIN_IDLE_MS) throw unauthenticated();
  if (now - row.seen_at >= LOGIN_COARSE_MS)
    remember(sql.query('UPDATE rbac_login SET seen_at = $2 WHERE id = $1', [row.id, now]), log);
  const id = `${row.issuer} ${row.subject}`;
  return { principal: { kind: 'person', id, how, subjects: row.subjects }, version: row.version };
}

/** Nobody waits for it: it is only a time. */
function remember(written: Promise<unknown>, log: Log): void {
  written.catch((err: unknown) => log.warn('a time of use was not written', { err }));
}

/** A cookie is sent by every page that can make the browser call us; our own says so (RBAC-10).
 *  @throws {TrustError} FORBIDDEN */
export function assertOwnPage(request: IncomingMessage, origin: string | undefined): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const { origin: sent, 'x-talos-csrf': mark } = request.headers;
  if (origin !== undefined && sent === origin && mark === '1') return;
  throw new TrustError('FORBIDDEN', 'a request with the session cookie must come from our own page', {
    hint: 'send Origin of the page under oidc.origin and x-talos-csrf: 1, or the session token as Bearer',
  });
}
