import { createListener, type Guard, type Listener } from '../platform/http.js';
import type { Log } from '../platform/log.js';
import type { LoadedPolicy } from '../platform/policy-file.js';
import type { Route } from '../platform/routes.js';
import type { Settings } from '../platform/settings.js';
import { clock, random } from '../platform/system.js';

export type ServiceName = 'kernel' | 'gateway' | 'audit';

/** What each service's port serves. */
export type ServiceRoutes = Readonly<Record<ServiceName, readonly Route[]>>;

/** Opens all ports; if one cannot be opened, none stays open.
 *  @throws {TrustError} a port is in use */
export async function openListeners(
  routes: ServiceRoutes,
  options: {
    readonly settings: Settings;
    readonly policy: LoadedPolicy;
    readonly isAdministrator: Guard;
    readonly log: Log;
  },
): Promise<Readonly<Record<ServiceName, Listener>>> {
  const open = (name: ServiceName): Promise<Listener> =>
    createListener({ name, routes: routes[name], ...shared(options), port: options.settings.ports[name] });
  const opened: Listener[] = [];
  const openNext = async (name: ServiceName): Promise<Listener> => {
    const listener = await open(name);
    opened.push(listener);
    return listener;
  };
  try {
    return {
      kernel: await openNext('kernel'),
      gateway: await openNext('gateway'),
      audit: await openNext('audit'),
    };
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.closeGracefully(0)));
    throw error;
  }
}

function shared({ settings, policy, isAdministrator, log }: Parameters<typeof openListeners>[1]) {
  const { hosts = [], origins = [], limits } = policy.document;
  return {
    host: settings.host,
    guards: { admin: isAdministrator },
    allowedHosts: [...settings.allowedHosts, ...hosts],
    allowedOrigins: [...settings.allowedOrigins, ...origins],
    clock,
    random,
    log,
    limits: {
      ...(limits?.headerSeconds === undefined ? {} : { headersTimeoutMs: limits.headerSeconds * 1000 }),
      ...(limits?.maxConnections === undefined ? {} : { maxConnections: limits.maxConnections }),
    },
  };
}
