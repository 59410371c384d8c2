import type { Principal, WellKnown } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createDidResolver,
  type DidDirectory,
  isTrustError,
  type WebvhMarks,
} from '@talosprotocol/protocol';
import { CLUSTER_MIGRATIONS } from '../platform/cluster/migrations.js';
import { createDidFetch } from '../platform/did-fetch.js';
import { migrate } from '../platform/migrations.js';
import type { LoadedPolicy } from '../platform/policy-file.js';
import type { Reaper } from '../platform/reaper.js';
import type { Redis } from '../platform/redis/redis.js';
import type { SignaturePool } from '../platform/signature-pool.js';
import type { Sql } from '../platform/sql.js';
import { clock, random } from '../platform/system.js';
import type { Tracer } from '../platform/telemetry/tracer.js';
import { createWebhook } from '../platform/webhook.js';
import { createAdministration, createGuard } from './administration.js';
import { type AuditPort, createAuditLink } from './audit-link/audit-link.js';
import { createAuditWire } from './audit-link/wire.js';
import { buildConfig } from './config-room.js';
import { countDecisions } from './decision-metrics.js';
import type { Foundation } from './foundation.js';
import { logStorage } from './log-storage.js';
import { type Node, runningNodes } from './node.js';
import { openPolicies, type Policies } from './policy.js';
import { policyLoaded } from './policy-event.js';
import { openAddressKey, retentionOf } from './retention.js';
import { type Roles, roomsOf } from './roles.js';

// Types of rooms by name of their module: a static import, even of a type, would tie main to a room it may not load.
type Audit = import('../audit/service.js').Audit;
type Config = import('../config/service.js').Config;
type Gateway = import('../gateway/service.js').Gateway;
type Kernel = import('../kernel/service.js').Kernel;
type KernelDeps = import('../kernel/service.js').KernelDeps;
type Access = import('../kernel/rbac/access.js').Access;
type Rbac = import('../kernel/rbac/service.js').Rbac;

/** The rooms of a process, joined; absent are those that none of its roles needs. */
export interface Rooms {
  readonly policies: Omit<Policies, 'reload'>;
  /** Reads talos.yaml again; the log knows the policy before it is in force, or the old one stays.
   *  `by` is who asked for it, if somebody did who showed it.
   *  @throws {TrustError} SETTINGS_INVALID | UNAVAILABLE | DISK_FULL */
  reload(by?: Principal): Promise<string>;
  readonly audit?: Audit;
  /** The audit room, here or in another process. */
  readonly sink: AuditPort;
  readonly kernel?: Kernel;
  /** Of the admin surface, in every process. */
  readonly access: Access;
  /** Of the processes that are a kernel or a gateway. */
  readonly config?: Config;
  /** Of the kernel's own process. */
  readonly rbac?: Rbac;
  readonly gateway?: Gateway;
  /** For what is passed on to other nodes: a limit of its own, so that nothing is counted twice. */
  readonly routingLimiter: KernelDeps['limiter'];
  /** Hands in what waits for the audit process, or closes the log; last of all rooms. */
  closeSink(): Promise<void>;
  /** After everybody who counts in it. */
  closeRedis(): Promise<void>;
  /** Ends the threads that verify signatures. */
  closeSignatures(): Promise<void>;
}

export interface RoomsOptions {
  readonly foundation: Foundation;
  readonly sql: Sql;
  readonly reaper: Reaper;
  /** Of this process: what `${NAME}` in talos.yaml and a tool server's allow-listed variables refer to. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Absent where nobody wants spans. */
  readonly tracer: Tracer | undefined;
  readonly roles: Roles;
  readonly node: Node;
  /** True if other processes may use the same database. */
  readonly isShared: boolean;
}

/** Builds the rooms of the roles on one database, and opens the log: each room's ports are the other rooms, or what
 *  stands here for one in another process. The tables are there. */
export async function buildRooms(options: RoomsOptions): Promise<Rooms> {
  const wanted = roomsOf(options.roles);
  const policies = await openProcessPolicies(options);
  const limiter = await createLimiter(policies);
  const { sink: ownSink, audit, close: closeSink } = await openSink(options, policies);
  const sink = countDecisions(ownSink, options.foundation.metrics);
  const access = await createGuard(options.foundation, { ...options, policies, sink });
  const signatures = wanted.kernel ? await openSignatures(options.foundation) : undefined;
  const shared = { policies, sink, limiter, access, signatures };
  const { crypto } = options.foundation;
  const kernel = wanted.kernel ? await buildKernel(options, shared) : undefined;
  const reload = async (by?: Principal) => {
    const hash = await policies.reload(async (policy) => {
      await sink.recordPolicy(inForce(policy));
      await sink.record(policyLoaded({ crypto, clock, random }, policy.hash, policies.tenant, by));
    });
    kernel?.policyChanged();
    return hash;
  };
  const rbac = options.roles.includes('kernel')
    ? await createAdministration(options.foundation, { ...shared, sql: options.sql })
    : undefined;
  const config = wanted.kernel
    ? await buildConfig(options.foundation, { sql: options.sql, sink, tenant: policies.tenant })
    : undefined;
  const redis = wanted.gateway ? await openRedis(options.foundation) : undefined;
  const gateway =
    wanted.gateway && kernel !== undefined && config !== undefined
      ? await buildGateway(options, shared, { kernel, config, redis })
      : undefined;
  return {
    policies,
    sink,
    access,
    closeSink,
    closeRedis: async () => redis?.close(),
    closeSignatures: async () => signatures?.close(),
    routingLimiter: await createLimiter(policies),
    reload,
    ...(audit === undefined ? {} : { audit }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(config === undefined ? {} : { config }),
    ...(rbac === undefined ? {} : { rbac }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** Every process reads the whole policy, so that a fault in it is found wherever it is read. */
async function openProcessPolicies({ foundation, env, isShared }: RoomsOptions): Promise<Policies> {
  const { compilePolicy: compileGateway } = await import('../gateway/policy.js');
  const { config: path, crypto, log, settings } = foundation;
  const { environment, redisUrl } = settings;
  const countsAlone = isShared && redisUrl === undefined;
  return openPolicies({ path, variables: env, crypto, compileGateway, log, environment, countsAlone });
}

async function createLimiter(policies: Policies): Promise<KernelDeps['limiter']> {
  const { createRateLimiter } = await import('../gateway/admission/rate-limiter.js');
  return createRateLimiter(
    () => policies.gateway().limits.perAddressPerMinute,
    () => clock.monotonic(),
  );
}

interface Sink {
  readonly sink: AuditPort;
  readonly audit?: Audit;
  close(): Promise<void>;
}

/** The log of this process, or the way to the one that keeps it. */
async function openSink(options: RoomsOptions, policies: Policies): Promise<Sink> {
  if (roomsOf(options.roles).audit) {
    const { createAudit } = await import('../audit/service.js');
    const addresses = await openAddressKey(options.foundation, policies.current);
    const audit = createAudit({ ...(await auditDeps(options, policies)), addressKey: addresses.current });
    await audit.start();
    const close = async (): Promise<void> => {
      await audit.stop();
      await addresses.stop();
    };
    return { sink: audit, audit, close };
  }
  const { node, foundation } = options;
  const wire = createAuditWire({ ...node, clock });
  const link = createAuditLink({ wire, clock, log: foundation.log });
  await link.start();
  // What is decided under a policy that the log does not know could not be proven.
  await link.recordPolicy(inForce(policies.current()));
  return { sink: link, close: () => link.stop() };
}

/** The Redis in which rates are counted, if there is one. One that does not answer yet is no reason not to start: until it does,
 *  what it is to count is refused.
 *  @throws {TrustError} SETTINGS_INVALID: it refuses us */
async function openRedis({ settings, log }: Foundation): Promise<Redis | undefined> {
  if (settings.redisUrl === undefined) return undefined;
  const { createRedis } = await import('../platform/redis/redis.js');
  const redis = createRedis({ url: settings.redisUrl, log });
  try {
    await redis.check();
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'UNAVAILABLE') {
      await redis.close();
      throw error;
    }
  }
  return redis;
}

/** Threads that verify signatures. Sessions, nonces and windows stay in this thread: what counts once is counted in one
 *  place. */
async function openSignatures({ settings, log }: Foundation): Promise<SignaturePool | undefined> {
  const { workers } = settings;
  if (workers === 0) return undefined;
  const { createSignaturePool } = await import('../platform/signature-pool.js');
  const onThreadEnd = (err: unknown): void => log.warn('a thread that verifies signatures ended', { err });
  return createSignaturePool({ workers, onThreadEnd });
}

interface SharedParts {
  readonly policies: Policies;
  readonly sink: AuditPort;
  readonly limiter: KernelDeps['limiter'];
  readonly access: Access;
  readonly signatures: SignaturePool | undefined;
}

async function buildKernel(options: RoomsOptions, shared: SharedParts): Promise<Kernel> {
  const { createKernel } = await import('../kernel/service.js');
  const { createWebvhMarks } = await import('../kernel/identity/webvh-marks.js');
  const { policies, limiter } = shared;
  const marks = createWebvhMarks(options.sql);
  const resolver = createResolver(policies, options.foundation.crypto, marks);
  return createKernel({ ...kernelDeps(options, shared), resolver, limiter });
}

async function buildGateway(
  { foundation, sql, env, reaper, tracer }: RoomsOptions,
  { policies, sink }: SharedParts,
  { kernel, config, redis }: { kernel: Kernel; config: Config; redis: Redis | undefined },
): Promise<Gateway> {
  const { createGateway } = await import('../gateway/service.js');
  const { crypto, log, metrics, identities } = foundation;
  return createGateway({
    did: identities.gateway.did,
    authority: kernel.credentials,
    ledger: kernel.ledger,
    counters: kernel.counters,
    secrets: config.secrets,
    sink,
    policy: policies.gateway,
    sql,
    redis,
    clock,
    random,
    crypto,
    log,
    metrics,
    tracer,
    environment: env,
    reaper,
  });
}

/** Every process brings the tables of all rooms up to date, so that it is of no matter which one starts first. */
export async function migrateAll(sql: Sql): Promise<void> {
  const [{ kernelMigrations }, { GATEWAY_MIGRATIONS }, { AUDIT_MIGRATIONS }, { CONFIG_MIGRATIONS }] =
    await Promise.all([
      import('../kernel/migrations.js'),
      import('../gateway/migrations.js'),
      import('../audit/migrations.js'),
      import('../config/migrations.js'),
    ]);
  await migrate(sql, [
    ...CLUSTER_MIGRATIONS,
    ...kernelMigrations,
    ...GATEWAY_MIGRATIONS,
    ...AUDIT_MIGRATIONS,
    ...CONFIG_MIGRATIONS,
  ]);
}

async function auditDeps({ foundation, sql, node, isShared }: RoomsOptions, policies: Policies) {
  const { AUDIT_LIMITS } = await import('../audit/deps.js');
  const { denials } = AUDIT_LIMITS;
  const { crypto, folder, identities, keys, log, metrics } = foundation;
  const { document } = policies.current();
  const perSource = document.limits?.denialsPerMinute ?? denials.perSource;
  const storage = logStorage(foundation.settings, document);
  return {
    sql,
    clock,
    random,
    crypto,
    log,
    metrics,
    tiles: folder.tiles,
    disk: folder.disk,
    origin: identities.origin,
    tenant: policies.tenant,
    emitter: identities.gateway.did,
    logKey: identities.log,
    exporter: identities.exporter,
    policy: () => inForce(policies.current()),
    witnesses: () => witnessesOf(policies.current()),
    ...storage.place,
    ...(document.audit?.anchors === undefined
      ? {}
      : { chainAnchors: { settings: document.audit.anchors, key: () => keys.loadOrCreateSeed('anchor') } }),
    retention: () => retentionOf(policies.current()),
    limits: { ...storage.limits, denials: { ...denials, perSource } },
    ...(isShared ? { runningNodes: () => runningNodes(node) } : {}),
  };
}

/** Who watches the log under a policy. */
export function witnessesOf({ document: { audit } }: LoadedPolicy) {
  return { witnesses: audit?.witnesses ?? [], quorum: audit?.quorum ?? 0 };
}

/** A policy as the log keeps it. */
export function inForce({ hash, document }: LoadedPolicy) {
  return { hash, anchors: document.anchors ?? [] };
}

/** Fetches what the policy in force allows; what it allows no more is refused at once. */
function createResolver(policies: Policies, crypto: CryptoProvider, marks: WebvhMarks): DidDirectory {
  const document = () => policies.current().document;
  return createDidResolver({
    now: () => Math.floor(clock.now() / 1000),
    crypto,
    marks,
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
  options: RoomsOptions,
  { policies, sink, access, signatures }: SharedParts,
): Omit<KernelDeps, 'limiter' | 'resolver'> {
  const { foundation, sql, node } = options;
  const { crypto, identities, log, metrics, settings } = foundation;
  return {
    ...node.registry.self,
    webhook: settings.webhook && createWebhook(settings.webhook, clock),
    ...(signatures === undefined ? {} : { signatures: signatures.verify }),
    sql,
    clock,
    random,
    log,
    metrics,
    crypto,
    organisation: identities.organisation,
    gateway: identities.gateway,
    policy: policies.kernel,
    audit: {
      record: (draft) => sink.record(draft),
      recordDenial: sink.recordDenial,
      assertAccepting: sink.assertAccepting,
    },
    decisions: sink,
    authorize: access.authorize,
    wellKnown: describePlatform(options),
    sessionMemory: (policies.current().document.limits?.sessionMemoryMiB ?? 256) * 2 ** 20,
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
