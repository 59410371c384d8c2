import { createListener, type Guard, type Listener } from '../platform/http.js';
import type { Log } from '../platform/log.js';
import type { HttpMetrics } from '../platform/metrics/http-metrics.js';
import type { LoadedPolicy } from '../platform/policy-file.js';
import type { Route } from '../platform/routes.js';
import type { Settings } from '../platform/settings.js';
import { clock, random } from '../platform/system.js';
import { SERVICES } from './roles.js';

export type ServiceName = (typeof SERVICES)[number];

/** What each service's port serves; absent for a service that this process is not. */
export type ServiceRoutes = Readonly<Partial<Record<ServiceName, readonly Route[]>>>;

/** Opens all ports; if one cannot be opened, none stays open.
 *  @throws {TrustError} a port is in use */
export async function openListeners(
  routes: ServiceRoutes,
  options: {
    readonly settings: Settings;
    readonly policy: LoadedPolicy;
    /** Of the admin surface. */
    readonly guard: Guard;
    readonly log: Log;
    readonly http: HttpMetrics;
  },
): Promise<Readonly<Partial<Record<ServiceName, Listener>>>> {
  const opened = new Map<ServiceName, Listener>();
  try {
    for (const name of SERVICES) {
      const own = routes[name];
      if (own === undefined) continue;
      const port = options.settings.ports[name];
      const meter = options.http.meterOf(name);
      const forms = name === 'gateway' ? await formsOfModels() : {};
      opened.set(
        name,
        await createListener({ name, routes: own, meter, ...forms, ...shared(options), port }),
      );
    }
    return Object.fromEntries(opened);
  } catch (error) {
    await Promise.all([...opened.values()].map((listener) => listener.closeGracefully(0)));
    throw error;
  }
}

/** How clients of models are told what no route took; of a process that has this room. */
async function formsOfModels() {
  const { untakenModelRequest } = await import('../gateway/llm/untaken.js');
  return { inFormOf: untakenModelRequest };
}

function shared({ settings, policy, guard, log }: Parameters<typeof openListeners>[1]) {
  const { hosts = [], origins = [], limits, oidc } = policy.document;
  // Where browsers reach the kernel to log in.
  const own = oidc === undefined ? [] : [oidc.origin];
  return {
    host: settings.host,
    guards: { admin: guard },
    allowedHosts: [...settings.allowedHosts, ...hosts, ...own.map((origin) => new URL(origin).host)],
    allowedOrigins: [...settings.allowedOrigins, ...origins, ...own],
    clock,
    random,
    log,
    limits: {
      ...(limits?.headerSeconds === undefined ? {} : { headersTimeoutMs: limits.headerSeconds * 1000 }),
      ...(limits?.maxConnections === undefined ? {} : { maxConnections: limits.maxConnections }),
    },
  };
}
