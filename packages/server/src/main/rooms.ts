import type { WellKnown } from '@talosprotocol/contracts';
import { type CryptoProvider, createDidResolver, type DidDirectory } from '@talosprotocol/protocol';
import { createDidFetch } from '../platform/did-fetch.js';
import { migrate } from '../platform/migrations.js';
import type { LoadedPolicy } from '../platform/policy-file.js';
import type { Reaper } from '../platform/reaper.js';
import type { Sql } from '../platform/sql.js';
import { clock, random } from '../platform/system.js';
import type { Foundation } from './foundation.js';
import { openPolicies, type Policies } from './policy.js';

// Types of rooms by name of their module: a static import, even of a type, would tie main to a room it may not load.
type AuditLimits = import('../audit/deps.js').AuditLimits;
type Audit = import('../audit/service.js').Audit;
type Gateway = import('../gateway/service.js').Gateway;
type Kernel = import('../kernel/service.js').Kernel;
type KernelDeps = import('../kernel/service.js').KernelDeps;

/** The rooms of a process, joined. */
export interface Rooms {
  readonly policies: Omit<Policies, 'reload'>;
  /** Reads talos.yaml again; the log knows the policy before it is in force, or the old one stays.
   *  @throws {TrustError} SETTINGS_INVALID | UNAVAILABLE | DISK_FULL */
  reload(): Promise<string>;
  readonly audit: Audit;
  readonly kernel: Kernel;
  readonly gateway: Gateway;
  readonly wellKnown: WellKnown;
}

export interface RoomsOptions {
  readonly foundation: Foundation;
  readonly sql: Sql;
  readonly reaper: Reaper;
  /** Of this process: what `${NAME}` in talos.yaml and a tool server's allow-listed variables refer to. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
}

/** Builds the rooms of every role on one database, and opens the log: each room's ports are the other rooms. */
export async function buildRooms(options: RoomsOptions): Promise<Rooms> {
  const { audit, auditLimits, kernel, gateway } = await loadRooms();
  const { foundation, sql, env } = options;
  const { crypto, log } = foundation;
  await migrateAll(sql);
  const policies = await openPolicies({
    path: foundation.config,
    variables: env,
    crypto,
    compileGateway: gateway.compilePolicy,
    log,
  });
  const theAudit = audit.createAudit(await auditDeps(options, policies, auditLimits.AUDIT_LIMITS.denials));
  await theAudit.start();
  const wellKnown = describePlatform(options);
  const limiter = gateway.createRateLimiter(
    () => policies.gateway().limits.perAddressPerMinute,
    () => clock.monotonic(),
  );
  const theKernel = await kernel.createKernel({
    ...kernelDeps(options, policies, theAudit, wellKnown),
    limiter,
  });
  const theGateway = gateway.createGateway({
    did: foundation.identities.gateway.did,
    authority: theKernel.credentials,
    ledger: theKernel.ledger,
    sink: theAudit,
    policy: policies.gateway,
    sql,
    clock,
    random,
    crypto,
    log,
    environment: env,
    reaper: options.reaper,
  });
  const reload = () => policies.reload((policy) => theAudit.recordPolicy(inForce(policy)));
  return { policies, reload, audit: theAudit, kernel: theKernel, gateway: theGateway, wellKnown };
}

async function loadRooms() {
  const [audit, auditLimits, kernel, gateway] = await Promise.all([
    import('../audit/service.js'),
    import('../audit/deps.js'),
    import('../kernel/service.js'),
    import('../gateway/service.js'),
  ]);
  return { audit, auditLimits, kernel, gateway };
}

async function migrateAll(sql: Sql): Promise<void> {
  const [{ kernelMigrations }, { GATEWAY_MIGRATIONS }, { AUDIT_MIGRATIONS }] = await Promise.all([
    import('../kernel/migrations.js'),
    import('../gateway/migrations.js'),
    import('../audit/migrations.js'),
  ]);
  await migrate(sql, [...kernelMigrations, ...GATEWAY_MIGRATIONS, ...AUDIT_MIGRATIONS]);
}

async function auditDeps(
  { foundation, sql }: RoomsOptions,
  policies: Policies,
  denials: AuditLimits['denials'],
) {
  const { crypto, folder, identities, keys, log } = foundation;
  const perSource = policies.current().document.limits?.denialsPerMinute ?? denials.perSource;
  return {
    sql,
    clock,
    random,
    crypto,
    log,
    tiles: folder.tiles,
    disk: folder.disk,
    origin: identities.origin,
    tenant: policies.tenant,
    emitter: identities.gateway.did,
    logKey: identities.log,
    exporter: identities.exporter,
    addressKey: (await keys.loadOrCreateSeed('addresses')).reveal(),
    policy: () => inForce(policies.current()),
    limits: { denials: { ...denials, perSource } },
  };
}

/** A policy as the log keeps it. */
function inForce({ hash, document }: LoadedPolicy) {
  return { hash, anchors: document.anchors ?? [] };
}

/** Fetches what the policy in force allows; what it allows no more is refused at once. */
function createResolver(policies: Policies, crypto: CryptoProvider): DidDirectory {
  const document = () => policies.current().document;
  return createDidResolver({
    now: () => Math.floor(clock.now() / 1000),
    crypto,
    fetchDocument: createDidFetch({
      allowPrivate: (host) => document().didPrivateHosts?.includes(host) === true,
    }),
    allow: (did) => {
      const { didWeb, didWebvh } = document();
      return didWeb?.allow.includes(did) === true || didWebvh?.allow.includes(did) === true;
    },
  });
}

function kernelDeps(
  { foundation, sql }: RoomsOptions,
  policies: Policies,
  audit: Audit,
  wellKnown: WellKnown,
): Omit<KernelDeps, 'limiter'> {
  const { crypto, identities, isAdministrator, log } = foundation;
  return {
    sql,
    clock,
    random,
    log,
    crypto,
    resolver: createResolver(policies, crypto),
    organisation: identities.organisation,
    gateway: identities.gateway,
    policy: policies.kernel,
    audit: {
      record: (draft) => audit.record(draft),
      recordDenial: audit.recordDenial,
      assertAccepting: audit.assertAccepting,
    },
    decisions: audit,
    isAdministrator,
    wellKnown,
    maxSessions: policies.current().document.limits?.maxSessions ?? 65_536,
  };
}

function describePlatform({ foundation, version }: RoomsOptions): WellKnown {
  const { gateway, organisation, origin, vkey } = foundation.identities;
  return {
    gateway: gateway.did,
    organisation: organisation.did,
    log: { origin, vkey },
    versions: { talos: version, api: ['v1'], mcp: ['2025-11-25', '2026-07-28'] },
  };
}
