import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import { createHealth } from '../platform/health.js';
import type { Listener } from '../platform/http.js';
import { sendJson } from '../platform/json-exchange.js';
import { observeHealth } from '../platform/metrics/health-metrics.js';
import { createHttpMetrics, type HttpMetrics } from '../platform/metrics/http-metrics.js';
import { metricsRoute } from '../platform/metrics/metrics-route.js';
import { observeProcess } from '../platform/metrics/process-metrics.js';
import { observeSql } from '../platform/metrics/sql-metrics.js';
import { createReaper, type Reaper } from '../platform/reaper.js';
import type { Route } from '../platform/routes.js';
import type { Settings } from '../platform/settings.js';
import { createShutdown, type Shutdown } from '../platform/shutdown.js';
import { clock } from '../platform/system.js';
import { assertClock } from './clock-check.js';
import { type Database, openDatabase } from './database.js';
import { explainDiskFull } from './disk-full.js';
import { type Foundation, layFoundation } from './foundation.js';
import { openListeners, type ServiceRoutes } from './listeners.js';
import { joinNodes, type Node, nodesRoute, openNodeListener, routeSessions } from './node.js';
import { type Roles, SERVICES, withAudit } from './roles.js';
import { buildRooms, migrateAll, type Rooms } from './rooms.js';
import { openTracing } from './tracing.js';

/** A platform that serves. */
export interface Running {
  /** The line for whoever started us: where to call, and who answers. */
  readonly ready: object;
  readonly shutdown: Shutdown;
  /** Settles, with what it was, if something ended without which nothing can be served. */
  readonly lost: Promise<string>;
  /** Reads talos.yaml again. Nobody waits for an answer: the log says what came of it. */
  reload(): Promise<void>;
}

const DRAIN_MS = 10_000;

/** Starts the roles in this process: folder, database, node, rooms, canaries, ports, in this order, so that nothing is
 *  served before the gate was tried. On a failure everything that was started is ended again.
 *  @throws {TrustError} SETTINGS_INVALID | CONFLICT | UNAVAILABLE | LOG_CORRUPT | DISK_FULL */
export async function serve(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  wanted: Roles = SERVICES,
): Promise<Running> {
  const isShared = settings.databaseUrl !== undefined;
  const roles = withAudit(wanted, !isShared);
  // Without a database or a log in it, a folder holds keys only: several processes may use them.
  const foundation = await layFoundation(settings, roles.includes('audit') ? 'alone' : 'shared');
  const { folder, log } = foundation;
  const shutdown = createShutdown({ log });
  shutdown.add('close', 'data folder', () => folder.release());
  try {
    const reaper = createReaper();
    shutdown.add('close', 'reaper', () => reaper.close());
    const database = await openDatabase({ settings, folder, reaper, log });
    shutdown.add('close', 'database', () => database.close());
    return await serveRooms({ foundation, database, reaper, shutdown, env, roles, isShared });
  } catch (error) {
    await shutdown.run('failed start');
    throw await explainDiskFull(error, folder, settings.diskReserve);
  }
}

interface Start {
  readonly foundation: Foundation;
  readonly database: Database;
  readonly reaper: Reaper;
  readonly shutdown: Shutdown;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly roles: Roles;
  readonly isShared: boolean;
}

async function serveRooms(start: Start): Promise<Running> {
  const { foundation, database, reaper, shutdown, env, roles, isShared } = start;
  const { sql } = database;
  const version = (
    createRequire(import.meta.url)('@talosprotocol/server/package.json') as { version: string }
  ).version;
  observeProcess(foundation.metrics, version);
  observeSql(foundation.metrics, sql);
  await migrateAll(sql);
  await assertClock(sql, clock, foundation.log);
  const node = await joinNodes(foundation, { sql, roles, version });
  shutdown.add('close', 'node', () => node.close());
  const tracing = await openTracing(foundation, version);
  // Before the rooms' own steps, and so after them: what they write down ends spans.
  if (tracing !== undefined) shutdown.add('flush', 'spans', tracing.close);
  const tracer = tracing?.tracer;
  const rooms = await buildRooms({ foundation, sql, reaper, env, version, tracer, roles, node, isShared });
  addRoomSteps(shutdown, rooms);
  void database.lost.then(() => {
    rooms.audit?.giveUp();
    rooms.gateway?.giveUp();
  });
  rooms.gateway?.start();
  await rooms.gateway?.canary();
  const opened = await openPorts(start, rooms, node);
  return {
    ready: readyLine(foundation, node, opened),
    shutdown,
    lost: Promise.race([
      database.lost.then(() => 'the database ended'),
      node.registry.lost.then(() => 'another process runs under the number of this node'),
    ]),
    reload: () => reloadAndLog(rooms, foundation),
  };
}

type Listeners = Awaited<ReturnType<typeof openListeners>>;

async function openPorts(start: Start, rooms: Rooms, node: Node): Promise<Listeners> {
  const { foundation, shutdown, roles, isShared } = start;
  const { settings, log, metrics } = foundation;
  const http = createHttpMetrics(metrics, clock);
  const health = createHealth(log);
  health.register('audit', () => auditHealth(rooms.sink));
  health.register('node', node.registry.assertHeld);
  for (const [name, check] of Object.entries(rooms.kernel?.checks ?? {})) health.register(name, check);
  observeHealth(metrics, health);
  const own = await routesOf({
    rooms,
    roles,
    node,
    every: [...health.routes, metricsRoute(metrics, health.report)],
  });
  const routes = isShared ? await routed(own, rooms, node, foundation) : own;
  const policy = rooms.policies.current();
  const listeners = await openListeners(routes, {
    settings,
    policy,
    guard: rooms.access.authorizeRoute,
    log,
    http,
  });
  const all = Object.values(listeners);
  // All at once: while a long call is waited for at one port, the others take nothing new either.
  shutdown.add('stop-accepting', 'listeners', () => {
    health.drain();
    return Promise.all(all.map((listener) => listener.closeGracefully(DRAIN_MS)));
  });
  // Before that: a stream never ends by itself.
  shutdown.add('stop-accepting', 'event streams', async () => rooms.audit?.streams.close());
  if (isShared) all.push(await openToNodes(start, own, { rooms, node, http }));
  return listeners;
}

/** Whether the log takes events, and if all of them: below the reserve of the disk it refuses writes. */
function auditHealth(sink: Rooms['sink']): 'disk' | undefined {
  sink.assertReady();
  try {
    sink.assertAccepting('write');
  } catch (error) {
    if (isTrustError(error) && error.code === 'DISK_FULL') return 'disk';
    throw error;
  }
  return undefined;
}

async function routed(
  own: ServiceRoutes,
  rooms: Rooms,
  node: Node,
  foundation: Foundation,
): Promise<ServiceRoutes> {
  const { runOfNonce } = await import('../kernel/session/node-nonces.js');
  return routeSessions(own, { node, foundation, limiter: rooms.routingLimiter, runOfNonce });
}

/** From then on the other nodes pass on what belongs here. */
async function openToNodes(
  { foundation }: Start,
  routes: ServiceRoutes,
  parts: { readonly rooms: Rooms; readonly node: Node; readonly http: HttpMetrics },
): Promise<Listener> {
  const { rooms, node, http } = parts;
  const { audit } = rooms;
  const own = audit === undefined ? [] : await intakeRoutes(audit, node, foundation);
  const listener = await openNodeListener(node, { foundation, routes, own, http });
  await node.registry.announce(foundation.settings.nodeUrl ?? listener.url);
  return listener;
}

async function intakeRoutes(
  audit: NonNullable<Rooms['audit']>,
  { guard }: Node,
  { log }: Foundation,
): Promise<readonly Route[]> {
  const [{ createIntake }, { createIntakeRoutes }] = await Promise.all([
    import('../audit/intake.js'),
    import('../audit/intake-routes.js'),
  ]);
  return createIntakeRoutes(audit, createIntake(audit, log), guard);
}

/** Where to call, and who answers; a service that this process is not is absent. */
function readyLine(
  { identities, folder, config }: Foundation,
  { registry }: Node,
  listeners: Listeners,
): object {
  const urls = Object.entries(listeners).map(([name, { url }]) => [name, url] as const);
  return {
    ...Object.fromEntries(urls),
    node: registry.self.node,
    data: folder.path,
    config,
    gatewayDid: identities.gateway.did,
    organisationDid: identities.organisation.did,
  };
}

async function reloadAndLog({ reload }: Rooms, { log, config }: Foundation): Promise<void> {
  await reload().catch((err: unknown) => {
    const hint = isTrustError(err) ? err.data.hint : undefined;
    const fields = { path: config, err, ...(hint === undefined ? {} : { hint }) };
    log.error('the policy was not loaded; the one in force stays', fields);
  });
}

/** Last added runs first within a stage: the log is closed after everybody who writes to it. */
function addRoomSteps(
  shutdown: Shutdown,
  { closeSink, closeRedis, closeSignatures, kernel, config, gateway }: Rooms,
): void {
  shutdown.add('close', 'redis', closeRedis);
  shutdown.add('close', 'signature threads', closeSignatures);
  shutdown.add('flush', 'audit', closeSink);
  if (kernel !== undefined) shutdown.add('flush', 'kernel', () => kernel.close());
  if (config !== undefined) shutdown.add('flush', 'config', () => config.close());
  if (gateway === undefined) return;
  shutdown.add('flush', 'outcomes', () => gateway.drain(DRAIN_MS));
  shutdown.add('finish', 'tool servers', () => gateway.stop());
}

interface RouteParts {
  readonly rooms: Rooms;
  readonly roles: Roles;
  readonly node: Node;
  /** What every service serves. */
  readonly every: readonly Route[];
}

async function routesOf({ rooms, roles, node, every }: RouteParts): Promise<ServiceRoutes> {
  const { access, kernel, gateway, audit, config, rbac, reload } = rooms;
  const recorded = access.recordRefusals;
  const shared = [...(kernel?.sessionRoutes ?? []), ...(kernel?.publicRoutes ?? []), ...every];
  const administration = [...(rbac?.routes ?? []), ...(config?.routes ?? [])];
  const auditRoutes = audit === undefined ? [] : await auditRoutesOf(audit, access);
  return {
    ...(kernel !== undefined && roles.includes('kernel')
      ? { kernel: recorded([...kernel.adminRoutes, ...administration, nodesRoute(node), ...shared]) }
      : {}),
    ...(gateway === undefined
      ? {}
      : { gateway: recorded([...gateway.routes, ...shared, reloadRoute(reload)]) }),
    ...(audit === undefined ? {} : { audit: recorded([...auditRoutes, ...every]) }),
  };
}

async function auditRoutesOf(
  audit: NonNullable<Rooms['audit']>,
  access: Rooms['access'],
): Promise<readonly Route[]> {
  const [{ createAuditRoutes }, { createStreamRoutes }, { createPageRoute }, { readPage }] =
    await Promise.all([
      import('../audit/routes.js'),
      import('../audit/explorer/stream-routes.js'),
      import('../audit/page-route.js'),
      import('@talosprotocol/verifier'),
    ]);
  const authorize = (request: IncomingMessage) => access.authorize(request, 'audit:read');
  return [
    ...createAuditRoutes(audit),
    ...createStreamRoutes(audit.streams, authorize),
    createPageRoute(readPage),
  ];
}

/** Makes a change of talos.yaml effective without a restart; the same as SIGHUP, with an answer. */
function reloadRoute(reload: Rooms['reload']): Route {
  return {
    method: 'POST',
    path: '/talos/v1/policy/reload',
    surface: 'admin',
    permission: 'policy:reload',
    audit: 'administration',
    maxBody: 0,
    handle: async (_, response, { principal }) => {
      const policy = await reload(principal).catch((error: unknown) => {
        throw shownToOperator(error);
      });
      sendJson(response, 200, { policy });
    },
  };
}

/** What is wrong with talos.yaml, and in which line, is for whoever may reload it; of other routes it stays with us. */
function shownToOperator(error: unknown): unknown {
  if (!isTrustError(error) || error.code !== 'SETTINGS_INVALID') return error;
  return new TrustError('MALFORMED', error.data.reason ?? 'talos.yaml has a fault', error.data, error);
}
