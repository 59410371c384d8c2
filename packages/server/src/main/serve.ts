import { createRequire } from 'node:module';
import { isTrustError } from '@talosprotocol/protocol';
import { createHealth } from '../platform/health.js';
import { sendJson } from '../platform/json-exchange.js';
import { createReaper, type Reaper } from '../platform/reaper.js';
import type { Route } from '../platform/routes.js';
import type { Settings } from '../platform/settings.js';
import { createShutdown, type Shutdown } from '../platform/shutdown.js';
import { type Database, openDatabase } from './database.js';
import { type Foundation, layFoundation } from './foundation.js';
import { openListeners, type ServiceRoutes } from './listeners.js';
import { buildRooms, type Rooms } from './rooms.js';

/** A platform that serves. */
export interface Running {
  /** The line for whoever started us: where to call, and who answers. */
  readonly ready: object;
  readonly shutdown: Shutdown;
  /** Settles if something ended without which nothing can be served. */
  readonly lost: Promise<void>;
  /** Reads talos.yaml again. Nobody waits for an answer: the log says what came of it. */
  reload(): Promise<void>;
}

const DRAIN_MS = 10_000;

/** Starts all roles in this process: folder, database, rooms, canaries, ports, in this order, so that nothing is served
 *  before the gate was tried. On a failure everything that was started is ended again.
 *  @throws {TrustError} SETTINGS_INVALID | CONFLICT | UNAVAILABLE | LOG_CORRUPT */
export async function serve(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const foundation = await layFoundation(settings);
  const { folder, log } = foundation;
  const shutdown = createShutdown({ log });
  shutdown.add('close', 'data folder', () => folder.release());
  try {
    const reaper = createReaper();
    shutdown.add('close', 'reaper', () => reaper.close());
    const database = await openDatabase({ settings, folder, reaper, log });
    shutdown.add('close', 'database', () => database.close());
    return await serveRooms(foundation, database, reaper, shutdown, env);
  } catch (error) {
    await shutdown.run('failed start');
    throw error;
  }
}

async function serveRooms(
  foundation: Foundation,
  database: Database,
  reaper: Reaper,
  shutdown: Shutdown,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const { settings, log, isAdministrator } = foundation;
  const version = (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
  const rooms = await buildRooms({ foundation, sql: database.sql, reaper, env, version });
  addRoomSteps(shutdown, rooms);
  void database.lost.then(() => rooms.audit.giveUp());
  rooms.gateway.start();
  await rooms.gateway.canary();
  const health = createHealth(log);
  health.register('audit', () => rooms.audit.assertReady());
  for (const [name, check] of Object.entries(rooms.kernel.checks)) health.register(name, check);
  const routes = await routesOf(rooms, health.routes);
  const listeners = await openListeners(routes, {
    settings,
    policy: rooms.policies.current(),
    isAdministrator,
    log,
  });
  // All at once: while a long call is waited for at one port, the others take nothing new either.
  shutdown.add('stop-accepting', 'listeners', () => {
    health.drain();
    return Promise.all(Object.values(listeners).map((listener) => listener.closeGracefully(DRAIN_MS)));
  });
  const { kernel, gateway, audit } = listeners;
  const { identities, folder, config } = foundation;
  return {
    ready: {
      kernel: kernel.url,
      gateway: gateway.url,
      audit: audit.url,
      data: folder.path,
      config,
      gatewayDid: identities.gateway.did,
      organisationDid: identities.organisation.did,
    },
    shutdown,
    lost: database.lost,
    reload: () => reloadAndLog(rooms, foundation),
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
function addRoomSteps(shutdown: Shutdown, { audit, kernel, gateway }: Rooms): void {
  shutdown.add('flush', 'audit', () => audit.stop());
  shutdown.add('flush', 'kernel', () => kernel.close());
  shutdown.add('flush', 'outcomes', () => gateway.drain(DRAIN_MS));
  shutdown.add('finish', 'tool servers', () => gateway.stop());
}

async function routesOf(rooms: Rooms, health: readonly Route[]): Promise<ServiceRoutes> {
  const { createAuditRoutes } = await import('../audit/routes.js');
  const { kernel, gateway, audit, reload } = rooms;
  const shared = [...kernel.sessionRoutes, ...kernel.publicRoutes, ...health];
  return {
    kernel: [...kernel.adminRoutes, ...shared],
    gateway: [...gateway.routes, ...shared, reloadRoute(reload)],
    audit: [...createAuditRoutes(audit), ...health],
  };
}

/** Makes a change of talos.yaml effective without a restart; the same as SIGHUP, with an answer. */
function reloadRoute(reload: () => Promise<string>): Route {
  return {
    method: 'POST',
    path: '/talos/v1/policy/reload',
    surface: 'admin',
    audit: 'none',
    maxBody: 0,
    handle: async (_, response) => sendJson(response, 200, { policy: await reload() }),
  };
}
