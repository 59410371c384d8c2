import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OidcSettings } from '@talosprotocol/contracts';
import { createUuidv7, TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createListener, type Listener } from '../../../platform/http.js';
import { migrate } from '../../../platform/migrations.js';
import { outboxMigration } from '../../../platform/outbox.js';
import type { Route } from '../../../platform/routes.js';
import type { Sql } from '../../../platform/sql.js';
import { random } from '../../../platform/system.js';
import { createTestLog } from '../../../platform/testing/test-log.js';
import { OUTBOX_TABLE } from '../../outbox-table.js';
import type { DenialDraft, DraftOf } from '../../ports.js';
import { createAccess } from '../access.js';
import { rbacMigrations } from '../migrations.js';
import { createRefusals } from '../refusals.js';
import { createRbac } from '../service.js';

/** The admin surface of administrators on a real database and a real listener; time and log belong to the test. */
export interface RbacWorld {
  readonly time: { now: number };
  readonly events: DraftOf<'rbac.changed'>[];
  /** Who was refused. */
  readonly denials: DenialDraft[];
  readonly log: string[];
  readonly keysFolder: string;
  readonly listener: Listener;
  /** `isDown`: the log says that it refuses; `isStuck`: it does so without having said it. */
  readonly sink: { isDown: boolean; isStuck: boolean };
  /** Where people log in. */
  readonly oidc: { settings: OidcSettings | undefined };
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  token(): Promise<string>;
  /** The first administrator's key. */
  bootstrap(): Promise<string>;
  /** A key of a new account with a role. */
  account(admin: string, role: string, scope?: object): Promise<{ id: string; key: string; binding: string }>;
  /** Another process on the same database and folder. */
  restart(): Promise<RbacWorld>;
  close(): Promise<void>;
}

interface CallOptions {
  readonly key?: string;
  readonly body?: object;
  readonly version?: number;
  readonly headers?: Record<string, string>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly body: any;
}

const crypto = createNodeCrypto();
export const GLOBAL_SCOPE = { kind: 'global', attributes: {} };

/** Routes of other rooms: one for each of some permissions, and one that acts in a place its path names. */
const OTHERS: Route[] = ['audit:read', 'capability:issue', 'policy:reload'].map((permission) => ({
  method: 'GET',
  path: `/other/${permission.replace(':', '-')}`,
  surface: 'admin',
  audit: 'none',
  permission: permission as `${string}:${string}`,
  handle: (_, response, { principal }) => void response.end(JSON.stringify(principal)),
}));

const ONE_REQUEST: Route = {
  method: 'GET',
  path: '/other/requests/:request',
  surface: 'admin',
  audit: 'none',
  permission: 'audit:read',
  place: { kind: 'trace', attributes: { trace_id: 'request' } },
  handle: (_, response, { principal }) => void response.end(JSON.stringify(principal)),
};

/** What one process of the world shares with the test. */
interface Shared {
  readonly time: { readonly now: number };
  readonly keysFolder: string;
  readonly events: DraftOf<'rbac.changed'>[];
  readonly denials: DenialDraft[];
  readonly sink: { readonly isDown: boolean; readonly isStuck: boolean };
  readonly lines: string[];
  readonly oidc: { readonly settings: OidcSettings | undefined };
}

async function startRbac(
  sql: Sql,
  { time, keysFolder, events, denials, sink, lines, oidc }: Shared,
): Promise<Listener> {
  const clock = { now: () => time.now, monotonic: () => time.now };
  const log = createTestLog(lines);
  const recordDenial = async (draft: DenialDraft): Promise<undefined> => void denials.push(draft);
  const policy = () => ({ hash: '0'.repeat(64), defaultTenant: 'acme' });
  const refusals = createRefusals({ audit: { recordDenial }, policy, crypto, clock, random });
  const access = createAccess({ sql, clock, log, refusals, oidc: () => oidc.settings });
  const assertAccepting = (): void => {
    if (sink.isDown) throw new TrustError('UNAVAILABLE', 'the log is down');
  };
  const record = async (draft: DraftOf<'rbac.changed'>): Promise<void> => {
    if (sink.isStuck) throw new TrustError('UNAVAILABLE', 'the log is stuck');
    events.push(draft);
  };
  const rbac = await createRbac({
    sql,
    clock,
    log,
    random,
    crypto,
    access,
    keysFolder,
    audit: { record, assertAccepting },
    limiter: { take: () => undefined },
    tenant: () => 'acme',
    oidc: () => oidc.settings,
  });
  return createListener({
    name: 'kernel',
    host: '127.0.0.1',
    port: 0,
    routes: access.recordRefusals([...rbac.routes, ...OTHERS, ONE_REQUEST]),
    guards: { admin: access.authorizeRoute },
    allowedHosts: [],
    allowedOrigins: [],
    clock,
    random,
    log,
  });
}

function createCall(listener: Listener): RbacWorld['call'] {
  return async (method, path, { key, body, version, headers = {} } = {}) => {
    const response = await fetch(`${listener.url}${path.startsWith('/') ? path : `/talos/v1/rbac/${path}`}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
}

export async function openRbacWorld(sql: Sql, before?: RbacWorld): Promise<RbacWorld> {
  await migrate(sql, [...rbacMigrations, outboxMigration('kernel-outbox', OUTBOX_TABLE)]);
  const time = before?.time ?? { now: Date.parse('2026-11-23T12:00:00.000Z') };
  const keysFolder = before?.keysFolder ?? (await mkdtemp(join(tmpdir(), 'talos-rbac-')));
  const events: DraftOf<'rbac.changed'>[] = before?.events ?? [];
  const denials: DenialDraft[] = before?.denials ?? [];
  const lines: string[] = [];
  const sink = { isDown: false, isStuck: false };
  const oidc = before?.oidc ?? { settings: undefined };
  const listener = await startRbac(sql, { time, keysFolder, events, denials, sink, lines, oidc });
  const call = createCall(listener);
  const world: RbacWorld = {
    time,
    events,
    denials,
    log: lines,
    keysFolder,
    listener,
    sink,
    oidc,
    call,
    token: async () => (await readFile(join(keysFolder, 'bootstrap.token'), 'utf8')).trim(),
    bootstrap: async () => {
      const answer = await call('POST', 'bootstrap', { body: { token: await world.token() } });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return answer.body.key;
    },
    account: async (admin, role, scope = GLOBAL_SCOPE) => {
      const made = await call('POST', 'service-accounts', { key: admin, body: { name: 'an account' } });
      const { id } = made.body.service_account;
      const body = { role, subject: { kind: 'service', id }, scope };
      const bound = await call('POST', 'bindings', { key: admin, body });
      if (bound.status !== 201) throw new Error(JSON.stringify(bound.body));
      return { id, key: made.body.key, binding: bound.body.id };
    },
    restart: () => openRbacWorld(sql, world),
    close: async () => {
      await listener.closeGracefully(1_000);
      await rm(keysFolder, { recursive: true, force: true });
    },
  };
  return world;
}

/** An id that nobody has. */
export const unknownId = (prefix: string): string => `${prefix}_${createUuidv7(1, random(16))}`;
